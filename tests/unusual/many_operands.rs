// More distinct operands in one expression than one loop over rows takes.
nn_model! {
    pub model ManyOperands(a: [5], b: [5], c: [5], d: [5], e: [5], f: [5], g: [5], h: [5], i: [5], j) -> y: [5] {
        param p: [5], q: [5], r: [5], k;
        y = a*b + b*c*p - c*d + d*e*q - e*f + f*g*r - g*h + h*i*k - i*a*j + (a - c)*(e - g)*(b - i)*(d - h)*f;
        loss mse(y, target);
    }
}
