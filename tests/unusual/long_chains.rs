// So many pointwise steps that equal ones become functions of their own.
nn_model! {
    #[layout(tiles)]
    pub model LongChains(x: [40]) -> y: [40] {
        param scale: [40] = uniform(0.5, 1);
        h = x;
        for i in 0..70 {
            h = sin(h / (1 + sum(h^2))) + 0.1 * scale * x;
        }
        y = h;
        loss mse(y, target);
    }
}
