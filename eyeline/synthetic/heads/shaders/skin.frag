uniform vec3 skin;
uniform vec3 lips;
uniform vec3 brow;
uniform vec3 hair;
uniform vec4 brow_shape;   // height, thickness, slope, darkness
uniform vec4 details;      // blotches, freckles, wrinkles, redness
uniform vec4 makeup;       // lips, lids, cheeks, shine
uniform vec4 whiskers;     // stubble, moustache, chin, neck line
uniform vec4 scalp;        // tint, front line, nape line, roughness of the line
uniform float under_eyes;
uniform vec2 offset;       // of the noise
in vec3 P;
in vec3 N;
in vec3 T;
in vec4 M;
layout(location = 0) out vec4 colour;
layout(location = 1) out float depth;

float hairline(vec3 t, float front, float nape) {
    float f = atan(abs(t.x), 80.0 - t.z);
    float b = f < 0.55 ? front + 14.0 * f
            : f < 1.0 ? mix(front + 8.0, -40.0, (f - 0.55) / 0.45)
            : f < 1.32 ? mix(-40.0, 12.0, (f - 1.0) / 0.32)
            : f < 1.5 ? mix(12.0, -18.0, (f - 1.32) / 0.18)
            : f < 1.75 ? -18.0
            : mix(-18.0, nape, smoothstep(1.75, 2.4, f));
    return b - t.y;
}

void main() {
    float ax = abs(T.x);
    vec2 uv = vec2(atan(T.x, 80.0 - T.z) * 80.0, T.y) / 90.0 + offset;
    vec4 coarse = texture(noise, uv * 0.35), fine = texture(noise, uv * 1.7), pores = texture(noise, uv * 4.5);
    vec3 n = normalize(N);
    // colour: blood and melanin vary apart
    vec3 c = skin * (1.0 + details.x * (0.35 * (coarse.g - 0.5) + 0.25 * (fine.g - 0.5)));
    float cheeks = exp(-(pow((ax - 43.0) / 20.0, 2.0) + pow((T.y - 34.0) / 17.0, 2.0))) * step(T.z, 30.0);
    float nose = exp(-(pow(ax / 13.0, 2.0) + pow((T.y - 38.0) / 12.0, 2.0))) * step(T.z, -15.0);
    float red = details.w * (0.7 * cheeks + 0.9 * nose + 0.7 * M.w + 0.5 * (fine.a - 0.5) + 0.35 * exp(-pow((T.y - 105.0) / 12.0, 2.0) - ax * ax / 500.0));
    red += makeup.z * cheeks;
    c *= vec3(1.0 + 0.10 * red, 1.0 - 0.20 * red, 1.0 - 0.16 * red);
    float freckle = smoothstep(0.60, 0.72, pores.b) * details.y * (cheeks + 0.7 * nose + 0.25);
    c *= 1.0 - freckle * vec3(0.25, 0.42, 0.5);
    float ux = ax - 31.0, socket = exp(-(ux * ux / 380.0 + pow((T.y - 13.0) / 7.0, 2.0))) * step(T.z, 25.0);
    c *= 1.0 - under_eyes * socket * vec3(0.22, 0.3, 0.22);
    float lid = exp(-(ux * ux / 260.0 + pow((T.y + 9.0) / 6.5, 2.0))) * step(T.z, 25.0);
    c *= 1.0 - lid * (vec3(0.06, 0.12, 0.10) + makeup.y * vec3(0.5, 0.55, 0.5));
    // the rims of the lids: pink and wet below, a dark line of lashes above
    float rim = smoothstep(1.45, 0.95, length(vec2(ux / 13.5, (T.y - 0.2) / 5.6))) * step(T.z, 10.0);
    c = mix(c, skin * vec3(0.95, 0.62, 0.58), 0.3 * rim);
    c *= 1.0 - rim * step(T.y, -0.5) * (0.25 + 0.5 * makeup.y);
    // lips
    float lip = smoothstep(0.25, 0.75, M.x + 0.12 * (fine.r - 0.5));
    c = mix(c, mix(skin * vec3(0.92, 0.55, 0.52), lips, makeup.x) * (0.85 + 0.3 * pores.g), lip * 0.85);
    float inside = smoothstep(0.35, 0.7, M.y) * step(T.z, 60.0) * step(20.0, T.y);
    c = mix(c, vec3(0.16, 0.035, 0.03), inside);
    // brows below their hairs
    float away = T.y - (brow_shape.x + brow_shape.z * (ux / 20.0) + 0.011 * ux * ux);
    float thick = brow_shape.y * (1.0 - 0.6 * smoothstep(2.0, 22.0, ux));
    float band = smoothstep(thick * 1.15, thick * 0.45, abs(away) + 2.2 * (fine.r - 0.5))
               * smoothstep(-23.0, -15.0, ux + 5.0 * (pores.g - 0.5)) * smoothstep(25.0, 17.0, ux) * step(T.z, 30.0);
    c = mix(c, brow, 0.85 * band * brow_shape.w);
    // shaved or growing beard
    float jaw = smoothstep(40.0, 54.0, T.y - 0.35 * max(ax - 38.0, 0.0) + 8.0 * (fine.g - 0.5)) * smoothstep(whiskers.w + 16.0, whiskers.w, T.y)
              * smoothstep(105.0, 70.0, T.z);
    float lip_zone = smoothstep(40.0, 46.0, T.y) * smoothstep(64.0, 58.0, T.y) * smoothstep(34.0, 24.0, ax);
    float bare = max(smoothstep(44.0, 60.0, T.y) * smoothstep(30.0, 24.0, ax) * smoothstep(84.0, 78.0, T.y), 0.0);
    float beard = max(jaw * (1.0 - bare) * whiskers.z, lip_zone * whiskers.y) * (1.0 - lip) * (1.0 - inside);
    c = mix(c, hair * (0.6 + 0.7 * pores.g), beard * (0.35 + 0.65 * smoothstep(0.35, 0.65, pores.r)) * whiskers.x);
    // scalp under the hair
    float line = hairline(T, scalp.y, scalp.z) + scalp.w * (coarse.a - 0.5) * 30.0 + 9.0 * (fine.r - 0.5);
    float hairy = smoothstep(-4.0, 7.0, line) * scalp.x * (1.0 - smoothstep(0.1, 0.5, M.w));
    c = mix(c, hair * (0.45 + 0.6 * pores.g), hairy * (0.8 + 0.2 * pores.r));
    float height = 0.09 * pores.b + 0.10 * fine.g + 0.5 * hairy * pores.r + 0.35 * lip * texture(noise, uv * vec2(5.0, 0.7)).r;
    float crease = exp(-pow((T.y + 50.0) / 18.0, 2.0)) * smoothstep(45.0, 30.0, ax) + 0.6 * exp(-(pow((ax - 55.0) / 10.0, 2.0) + pow((T.y - 2.0) / 12.0, 2.0)));
    height += details.z * (crease * 1.6 * texture(noise, uv * vec2(0.25, 1.6)).g + 0.45 * fine.g + 0.7 * coarse.g);
    n = bumped(P, n, height);
    float shine = makeup.w * (0.8 + 0.5 * exp(-ax * ax / 500.0) * step(T.y, 45.0));
    float rough = mix(mix(0.52, 0.36, clamp(shine, 0.0, 1.0)), 0.3, lip * 0.7) + 0.10 * (pores.b - 0.5) + 0.2 * max(hairy, beard);
    vec3 wrap = vec3(0.34, 0.16, 0.11) * (1.0 - hairy);
    float open = M.z * (1.0 - 0.75 * inside);
    vec3 sum = surface(P, n, c, rough, 0.028 * (0.6 + 0.8 * shine), open, wrap);
    colour = vec4(tone(sum), 1.0);
    depth = P.z;
}
