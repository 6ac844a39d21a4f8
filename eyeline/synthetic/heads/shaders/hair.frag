uniform float sheen;
in vec3 P;
in vec3 A;
in vec3 S;
in vec4 H;     // across, along, number, kind (0 head hair, 1 short hairs, 2 rigid)
in vec3 C;
layout(location = 0) out vec4 colour;
layout(location = 1) out float depth;

float lobe(vec3 t, vec3 l, vec3 v, float shift_, float power) {
    float th = clamp(dot(normalize(t), normalize(l + v)) + shift_, -1.0, 1.0);
    return pow(sqrt(1.0 - th * th), power);
}

void main() {
    vec3 a = normalize(A), v = -normalize(P);
    vec3 across = normalize(cross(a, v));
    vec3 n = normalize(v + across * H.x * 0.75);
    if (H.w > 1.5) {   // frames of glasses and the like
        colour = vec4(tone(surface(P, n, C, 0.3, 0.06, 1.0, vec3(0.0))), 1.0);
        depth = P.z;
        return;
    }
    vec4 streak = texture(noise, vec2(H.x * 0.045 + H.z * 7.31, H.y * 0.05 + H.z * 3.7));
    if (H.w < 0.5) {   // a lock of hairs: gaps between them, more towards the tip
        float edge = abs(H.x) * 0.55 + 0.65 * smoothstep(0.55, 1.0, H.y) + 0.55 * (streak.r - 0.5);
        if (edge > 0.62) discard;
    }
    float root = H.w < 0.5 ? mix(0.42, 1.0, smoothstep(0.0, 0.45, H.y)) : 1.0;
    vec3 c = C * (0.62 + 0.75 * streak.r) * root;
    float lit = lit_at(P, 0.016);
    vec3 sum = c * ambient_at(n) * 0.9 * root;
    for (int i = 0; i < LIGHTS; ++i) {
        vec3 l = light_to[i];
        float tl = dot(a, l), diffuse = sqrt(max(1.0 - tl * tl, 0.0)) * clamp(0.55 + 0.6 * dot(n, l), 0.0, 1.0);
        float shade = i == 0 ? mix(0.18, 1.0, lit) : 0.75;
        float jitter = 0.25 * (streak.g - 0.5);
        vec3 spec = vec3(0.10) * lobe(a, l, v, -0.06 + jitter, 90.0) + 1.1 * c * lobe(a, l, v, 0.14 + jitter, 22.0);
        sum += light_rgb[i] * shade * (c * diffuse * 0.75 + sheen * spec * clamp(dot(n, l) + 0.4, 0.0, 1.0) * root);
    }
    colour = vec4(tone(sum), 1.0);
    depth = P.z;
}
