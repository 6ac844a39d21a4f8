// Locks and single hairs are lit at their vertices: there are many, and all of them are narrow.
uniform mat3 rotation;
uniform vec3 shift;
uniform vec4 lens;
uniform vec2 depths;
uniform float sheen;
uniform float pixels;   // half of the image's width
in vec3 place;
in vec3 along;
in vec4 strand;   // signed half width, from root to tip, number of the strand, kind
in vec3 tint;
out vec4 H;       // across, along, number, kind
out vec3 C;       // light times colour
out vec3 G;       // gloss
out vec2 D;       // depth, coverage

float lobe(float th, float power) {
    return pow(max(1.0 - th * th, 1e-4), 0.5 * power);
}

void main() {
    vec3 p = rotation * place + shift, a = normalize(rotation * along), v = -normalize(p);
    vec3 across = normalize(cross(a, p) + 1e-5);
    float least = 0.5 * p.z / (lens.x * pixels);  // half a pixel; what is finer covers less of it
    float wide = abs(strand.x);
    vec3 q = p + across * sign(strand.x) * max(wide, least);
    float side = sign(strand.x);
    bool locks = strand.w < 0.5, rigid = strand.w > 1.5;
    vec3 n = normalize(v + across * side * 0.75);
    float root = locks ? mix(0.42, 1.0, smoothstep(0.0, 0.45, strand.y)) : 1.0;
    float lit = lit_at(p, rigid ? 0.006 : 0.016), number = strand.z;
    vec3 sum = ambient_at(n) * 0.9 * root, gloss = vec3(0.0);
    float jitter = 0.12 * (fract(number * 57.31) - 0.5);
    for (int i = 0; i < LIGHTS; ++i) {
        vec3 l = light_to[i];
        float tl = dot(a, l), facing = dot(n, l);
        float diffuse = sqrt(max(1.0 - tl * tl, 0.0)) * clamp(0.55 + 0.6 * facing, 0.0, 1.0);
        float shade = i == 0 ? mix(0.18, 1.0, lit) : 0.75;
        float th = dot(a, normalize(l + v)), seen = clamp(facing + 0.4, 0.0, 1.0) * root * sheen * shade;
        sum += light_rgb[i] * shade * diffuse * 0.75 + light_rgb[i] * 1.1 * lobe(th + 0.14 + jitter, 22.0) * seen;
        gloss += light_rgb[i] * 0.10 * lobe(th - 0.06 + jitter, 90.0) * seen;
    }
    H = vec4(side, strand.yzw);
    C = sum * tint;
    G = gloss;
    D = vec2(q.z, min(1.0, wide / least));
    gl_Position = vec4(lens.xy * q.xy + lens.zw * q.z, depths.x * q.z + depths.y, q.z);
}
