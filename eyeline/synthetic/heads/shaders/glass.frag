uniform vec4 tint;         // colour and opacity
uniform vec4 window;
in vec3 P;
in vec3 N;
in vec3 T;
in vec4 M;
layout(location = 0) out vec4 colour;

void main() {
    vec3 ray = normalize(P), n = normalize(N);
    if (dot(n, ray) > 0.0) n = -n;
    vec3 away = reflect(ray, n);
    float veil = fresnel(max(-dot(ray, n), 0.0), 0.05);
    vec3 wx = normalize(cross(window.xyz, vec3(0.0, 1.0, 0.0))), wy = cross(wx, window.xyz);
    vec2 w = vec2(dot(away, wx), dot(away, wy));
    float pane = smoothstep(0.5, 0.4, abs(w.x)) * smoothstep(0.6, 0.5, abs(w.y)) * step(0.0, dot(away, window.xyz));
    vec3 mirrored = (ambient_at(away) * 0.8 + window.w * pane * vec3(0.9, 0.97, 1.0)) * veil;
    float opacity = clamp(tint.a * (1.0 - 0.3 * M.x) + 0.35 * max(mirrored.g, 0.0) * exposure, 0.0, 0.98);
    colour = vec4(tone(tint.rgb * ambient[5] * 0.6 + mirrored / max(opacity, 0.15)), opacity);
}
