#version 400
uniform mat3 rotation;
uniform vec3 shift;
uniform vec4 lens;    // focal over half the width and height, and offsets
uniform vec2 depths;  // of the clip volume
in vec3 place;
in vec3 normal;
in vec3 rest;    // in the template, millimetres
in vec4 masks;   // lips, inside of the mouth, open to light, ears
out vec3 P;
out vec3 N;
out vec3 T;
out vec4 M;
void main() {
    P = rotation * place + shift;
    N = rotation * normal;
    T = rest;
    M = masks;
    gl_Position = vec4(lens.xy * P.xy + lens.zw * P.z, depths.x * P.z + depths.y, P.z);
}
