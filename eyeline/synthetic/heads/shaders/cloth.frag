uniform int part;          // 0 plain, 1 clothes, 2 headscarf or hood, 3 hat
uniform vec3 first;
uniform vec3 second;
uniform vec4 pattern;      // kind, scale, fuzz, folds
uniform vec4 edge;         // where the cloth ends
uniform vec2 offset;
uniform float gloss;
in vec3 P;
in vec3 N;
in vec3 T;
in vec4 M;
layout(location = 0) out vec4 colour;
layout(location = 1) out float depth;

void main() {
    float f = atan(abs(T.x), 80.0 - T.z);
    vec2 uv = vec2(atan(T.x, 80.0 - T.z) * 80.0, T.y) / 90.0 + offset;
    vec4 coarse = texture(noise, uv * 0.45), fine = texture(noise, uv * 5.0), weave = texture(noise, uv * 11.0);
    float wobble = 3.0 * (coarse.r - 0.5);
    if (part == 1) {  // a neckline that is lower in front, maybe pointed
        float line = edge.x + edge.y * smoothstep(1.4, 0.0, f) + edge.z * max(0.0, 1.0 - abs(T.x) / 45.0) * step(T.z, 90.0);
        if (T.y < line + wobble) discard;
    } else if (part == 2) {  // an opening for the face
        float q = length(vec2(T.x / edge.x, (T.y - edge.z) / edge.y));
        if (q < 1.0 + 0.02 * wobble && T.z < 70.0) discard;
        if (T.y > edge.w + 2.0 * wobble + 25.0 * smoothstep(1.2, 0.0, f)) discard;
    } else if (part == 3) {
        if (T.y > edge.x + edge.y * smoothstep(0.6, 2.4, f) + 0.6 * wobble) discard;
    }
    vec3 n = normalize(N);
    vec2 g = vec2(T.x + 0.4 * T.z, T.y) / pattern.y;
    float k = pattern.x < 0.5 ? 0.0
            : pattern.x < 1.5 ? smoothstep(0.45, 0.5, abs(fract(g.y) - 0.5) * 2.0)
            : pattern.x < 2.5 ? 0.5 * (step(0.5, fract(g.x)) + step(0.5, fract(g.y)))
            : pattern.x < 3.5 ? smoothstep(0.5, 0.56, texture(noise, g * 0.12 + offset).g)
            : step(length(fract(g) - 0.5), 0.25);
    vec3 c = mix(first, second, k) * (0.78 + 0.3 * weave.r + 0.14 * coarse.g);
    if (part == 3 && edge.z > 0.5) c *= 0.85 + 0.3 * smoothstep(0.3, 0.7, abs(fract(T.y / 7.0 + 0.6 * abs(fract(T.x / 5.0) - 0.5)) - 0.5) * 2.0);
    n = bumped(P, n, pattern.w * (3.2 * coarse.g + 1.4 * texture(noise, uv * vec2(1.2, 0.5)).g) + pattern.z * weave.g);
    vec3 sum = surface(P, n, c, 0.75 - 0.4 * gloss, 0.02 + 0.05 * gloss, M.z, vec3(0.18));
    colour = vec4(tone(sum), 1.0);
    depth = P.z;
}
