#version 330
uniform mat3 rotation;
uniform vec3 shift;
uniform vec4 lens;
uniform vec2 depths;
in vec3 place;
in vec3 along;
in vec4 strand;   // signed half width, from root to tip, number of the strand, kind
in vec3 tint;
out vec3 P;
out vec3 A;
out vec3 S;
out vec4 H;
out vec3 C;
void main() {
    vec3 p = rotation * place + shift;
    A = rotation * along;
    S = normalize(cross(A, p) + 1e-5);
    float pixel = p.z / (lens.x * 128.0);   // hairs finer than a pixel would come and go
    P = p + S * sign(strand.x) * max(abs(strand.x), 0.22 * pixel);
    H = vec4(sign(strand.x), strand.yzw);
    C = tint;
    gl_Position = vec4(lens.xy * P.xy + lens.zw * P.z, depths.x * P.z + depths.y, P.z);
}
