#version 400
// Light, shadow and tone of all surfaces; the camera's frame: x right, y down, z away, millimetres.
const int LIGHTS = 3;
uniform vec3 light_to[LIGHTS];
uniform vec3 light_rgb[LIGHTS];
uniform mat3 unroll;
uniform vec3 ambient[6];  // from right, left, below, above, behind the head, the camera
uniform float exposure;
uniform float shadow_strength;
uniform mat4 to_shadow;
uniform sampler2DShadow shadow_map;
uniform sampler2D noise;

vec3 ambient_at(vec3 n) {
    n = unroll * n;
    vec3 q = n * n;
    return q.x * (n.x > 0.0 ? ambient[0] : ambient[1]) + q.y * (n.y > 0.0 ? ambient[2] : ambient[3])
         + q.z * (n.z > 0.0 ? ambient[4] : ambient[5]);
}

float lit_at(vec3 p, float bias) {
    vec3 s = (to_shadow * vec4(p, 1.0)).xyz;
    s.z -= bias;
    float texel = 1.0 / 384.0, sum = 0.0;
    sum += texture(shadow_map, s + vec3(-texel, -0.4 * texel, 0.0));
    sum += texture(shadow_map, s + vec3(0.4 * texel, -texel, 0.0));
    sum += texture(shadow_map, s + vec3(texel, 0.4 * texel, 0.0));
    sum += texture(shadow_map, s + vec3(-0.4 * texel, texel, 0.0));
    return mix(1.0, 0.25 * sum, shadow_strength);
}

float ggx(float nh, float rough) {
    float a = rough * rough, d = nh * nh * (a * a - 1.0) + 1.0;
    return a * a / (3.1416 * d * d);
}

float fresnel(float vh, float f0) {
    float k = 1.0 - vh, k2 = k * k;
    return f0 + (1.0 - f0) * k2 * k2 * k;
}

// A surface without transmission: colour, roughness, reflectance, light left by what is around.
vec3 surface(vec3 p, vec3 n, vec3 colour, float rough, float f0, float open, vec3 wrap) {
    vec3 v = -normalize(p);
    float nv = max(dot(n, v), 0.05), lit = lit_at(p, 0.006);
    vec3 sum = colour * ambient_at(n) * open;
    sum += ambient_at(reflect(-v, n)) * fresnel(nv, f0) * (1.0 - rough) * open;
    for (int i = 0; i < LIGHTS; ++i) {
        vec3 l = light_to[i], h = normalize(l + v);
        float nl = dot(n, l), shade = i == 0 ? lit : mix(0.3, 1.0, open);
        vec3 soft = clamp((nl + wrap) / (1.0 + wrap), 0.0, 1.0);
        vec3 through = mix(vec3(shade), sqrt(vec3(shade) + 1e-4), wrap);
        float spec = ggx(max(dot(n, h), 0.0), rough) * fresnel(max(dot(v, h), 0.0), f0) / (4.0 * max(nv, 0.25));
        sum += light_rgb[i] * (colour * soft * through + spec * max(nl, 0.0) * shade * open);
    }
    return sum;
}

vec3 tone(vec3 c) {
    c *= exposure;
    c = c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14);
    return sqrt(clamp(c, 0.0, 1.0));
}
