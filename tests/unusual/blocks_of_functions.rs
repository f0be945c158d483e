// Functions in functions, names with underscores, arguments by name.
nn_model! {
    pub model BlocksOfFunctions(x_in: [4]) -> y_out: [4] {
        h_1 = my_block_2(x_in, width_of = 6);
        y_out = outer_block(h_1, 3)[0..4];
        loss mse(y_out, target) + 1e-2 * sum(h_1^2);
    }

    fn outer_block(x, units) {
        h_1 = my_block_2(x, units);
        concat(h_1, my_block_2(x, units))
    }

    fn my_block_2(x, width_of) {
        inner_h = dense(x, width_of).relu();
        inner_h * 0.5 + sum(x)
    }
}
