// The normal of a surface whose height is given in millimetres.
vec3 bumped(vec3 p, vec3 n, float height) {
    vec3 px = dFdx(p), py = dFdy(p), r1 = cross(py, n), r2 = cross(n, px);
    float det = dot(px, r1);
    vec3 slope = sign(det) * (dFdx(height) * r1 + dFdy(height) * r2);
    return normalize(abs(det) * n - slope);
}
