in vec4 H;
in vec3 C;
in vec3 G;
in vec2 D;
layout(location = 0) out vec4 colour;
layout(location = 1) out float depth;

void main() {
    float cover = D.y;
    vec3 c = C + G;
    if (H.w < 0.5) {   // a lock of hairs: gaps between them, more towards the tip
        vec4 streak = texture(noise, vec2(H.x * 0.05 + H.z * 7.31, H.y * 0.06 + H.z * 3.7));
        float edge = abs(H.x) * 0.6 + 0.6 * smoothstep(0.5, 1.0, H.y) + 0.7 * (streak.r - 0.5);
        cover *= smoothstep(0.85, 0.35, edge);
        c = C * (0.5 + streak.r) + G * 2.0 * streak.r;
    }
    int samples = int(4.0 * cover + fract(H.z * 91.7 + 7.0 * H.y));
    if (samples < 1) discard;
    int first = int(fract(H.z * 13.7) * 4.0), bits = (1 << min(samples, 4)) - 1;
    gl_SampleMask[0] = ((bits << first) | (bits >> (4 - first))) & 15;
    colour = vec4(tone(c), 1.0);
    depth = D.x;
}
