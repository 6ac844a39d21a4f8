#version 400
uniform mat4 to_clip;
uniform vec3 light;
in vec3 place;
in vec3 along;
in vec4 strand;
void main() { gl_Position = to_clip * vec4(place + normalize(cross(along, light) + 1e-5) * strand.x * (strand.w > 1.5 ? 1.0 : 1.8), 1.0); }
