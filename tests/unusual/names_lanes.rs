// The same of scalars.
nn_model! {
    pub model NamesLanes(s, rows, inputs) -> (outputs, q, q1) {
        param params, prepared, x_t, sums, tile, d_s, W;
        loss_2 = s * params + x_t;
        token = sigmoid(loss_2) * rows;
        targets = token * sums - inputs * tile;
        values = tanh(targets) + softplus(prepared) * inputs;
        outputs = values * d_s + W;
        q = outputs * loss_2;
        q1 = q + values;
        d_q = q * q1;
        finish = d_q + q;
        loss (finish - target)^2 + prepared^2;
    }
}
