uniform vec3 iris_at;      // centre of the rim of the iris
uniform vec3 gaze;
uniform vec3 up;           // of the iris, across the gaze
uniform vec4 sizes;        // radius of iris, of pupil, softness of the rim, redness
uniform vec3 iris_inner;
uniform vec3 iris_outer;
uniform vec3 white;
uniform vec2 offset;
uniform vec4 window;       // direction towards a bright window (camera frame) and its strength
uniform float ball;
uniform vec3 centre;
in vec3 P;
in vec3 N;
in vec3 T;                 // from the centre of the eyeball, head frame, over its radius
in vec4 M;                 // light left by lids, distance to the lower lid, to the corners, -
layout(location = 0) out vec4 colour;
layout(location = 1) out float depth;

void main() {
    vec3 ray = normalize(P), n = normalize(N), side = normalize(cross(gaze, up));
    vec3 over = cross(side, gaze);
    float facing = dot(ray, gaze);
    vec3 hit = ray * (dot(iris_at, gaze) / min(facing, -0.05));
    vec3 from = hit - iris_at;
    float radius = length(from) / sizes.x;
    float rim = 1.0 - smoothstep(1.0 - sizes.z, 1.0 + sizes.z, radius);
    rim *= step(facing, -0.05);
    // cornea: a smaller sphere before the iris bends the ray and mirrors the lights
    vec3 middle = iris_at - gaze * sizes.x * 0.89;
    vec3 bulge = normalize(P + gaze * 0.6 * rim - middle);
    vec3 cornea = normalize(mix(n, bulge, smoothstep(1.12, 0.85, radius)));
    vec3 bent = refract(ray, cornea, 0.749);
    vec3 deep = iris_at - gaze * 0.14 * sizes.x;
    vec3 base = P + bent * (dot(deep - P, gaze) / min(dot(bent, gaze), -0.2));
    vec2 q = vec2(dot(base - deep, side), dot(base - deep, over)) / sizes.x;
    float r = length(q), angle = atan(q.y, q.x);
    vec2 polar = vec2(angle / 6.2832, r);
    float fibres = texture(noise, vec2(polar.x * 1.0, 0.05 * r) + offset).r;
    float coarse = texture(noise, vec2(polar.x * 0.25, 0.12 * r) + offset.yx).g;
    float pupil = sizes.y;
    float collar = pupil + 0.22 + 0.12 * (coarse - 0.5);
    vec3 stroma = mix(iris_inner, iris_outer, smoothstep(collar - 0.08, collar + 0.12, r + 0.12 * (coarse - 0.5)));
    stroma *= 0.55 + 0.9 * fibres;
    stroma *= 1.0 - 0.55 * smoothstep(0.80, 0.98, r);
    stroma *= 0.8 + 0.5 * exp(-pow((r - collar) / 0.06, 2.0));
    stroma = mix(stroma, vec3(0.004), 1.0 - smoothstep(pupil - 0.05, pupil + 0.03, r));
    // light falls through the cornea onto the far side of the iris
    float caustic = 1.0 + 0.7 * max(dot(normalize(from + 1e-4), -light_to[0]), 0.0) * smoothstep(0.3, 0.9, r);
    stroma *= caustic;
    float corner = M.z;
    vec2 vein_uv = T.xy * 0.6 + offset;
    float veins = smoothstep(0.62, 0.78, texture(noise, vein_uv * vec2(0.6, 1.5)).r) * smoothstep(1.1, 2.0, radius);
    vec3 sclera = white * (1.0 - sizes.w * (0.5 * veins * vec3(0.1, 0.7, 0.65) + 0.6 * corner * vec3(0.1, 0.55, 0.5)));
    sclera *= 1.0 - 0.25 * smoothstep(1.35, 1.0, radius) * vec3(0.9, 0.8, 0.6);
    sclera = mix(sclera, vec3(0.55, 0.22, 0.20) * white, smoothstep(0.55, 1.0, M.w));
    vec3 c = mix(sclera, stroma, rim);
    float open = M.x, lit = lit_at(P, 0.012);
    vec3 v = -ray;
    vec3 shaped = normalize(mix(n, gaze, 0.25));
    vec3 sum = c * ambient_at(shaped) * open;
    for (int i = 0; i < LIGHTS; ++i) {
        float nl = clamp((dot(shaped, light_to[i]) + 0.3) / 1.3, 0.0, 1.0);
        sum += light_rgb[i] * c * nl * open * (i == 0 ? mix(0.35, 1.0, lit) : 0.8);
        vec3 h = normalize(light_to[i] + v);
        float glint = pow(max(dot(cornea, h), 0.0), 900.0) * 14.0 + pow(max(dot(n, h), 0.0), 250.0) * 0.35 * (1.0 - rim);
        sum += light_rgb[i] * glint * smoothstep(0.15, 0.6, open) * (i == 0 ? lit : 1.0);
    }
    // a window, and the dim surroundings above the horizon, in the tear film
    vec3 away = reflect(ray, cornea), wx = normalize(cross(window.xyz, vec3(0.0, 1.0, 0.0))), wy = cross(wx, window.xyz);
    vec2 w = vec2(dot(away, wx), dot(away, wy));
    float pane = smoothstep(0.26, 0.20, abs(w.x)) * smoothstep(0.34, 0.28, abs(w.y)) * smoothstep(0.012, 0.03, abs(w.x)) * smoothstep(0.012, 0.03, abs(w.y)) * step(0.0, dot(away, window.xyz));
    float veil = fresnel(max(dot(cornea, v), 0.0), 0.03);
    sum += (window.w * pane * vec3(0.9, 0.97, 1.0) + 0.9 * ambient_at(away)) * veil * smoothstep(0.1, 0.7, open);
    // the film of tears along the lower lid
    sum += exp(-pow((M.y - 0.35) / 0.28, 2.0)) * 0.16 * (ambient_at(vec3(0.0, -1.0, 0.0)) + light_rgb[0] * 0.5 * lit) * open;
    colour = vec4(tone(sum), 1.0);
    depth = P.z;
}
