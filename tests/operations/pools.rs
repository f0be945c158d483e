// Poolings, and what normalises images.
nn_model! {
    pub model Pools(x: [4, 5, 4]) -> (a: [4, 2, 2], b: [4, 3, 2], c: [4, 3, 4], d: [4], e: [4, 5, 4], g: [4, 5, 4], h: [4, 5, 4]) {
        param k;
        a = max_pool2d(x, 2);
        b = max_pool2d(x * k, kernel = (3, 2), stride = 2, padding = (1, 1, 0, 0), ceil_mode = true);
        c = avg_pool2d(x, [3, 1], stride = (2, 1), padding = [1, 0], count_include_pad = false);
        d = global_avg_pool(avg_pool2d(x * k, 3, padding = 1, ceil_mode = true));
        e = group_norm(x, 2);
        g = layer_norm(x * k, axis = 0);
        h = local_response_norm(x * k, 3, alpha = 0.5);
        loss mse(d, target) + mean(a^2) + mean(b^2) + mean(c^2) + mean(e^3) + mean(g^3) + mean(h^2);
    }
}
