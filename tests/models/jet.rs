// Three hidden layers of different widths: a jet tagger.
nn_model! {
    /// Tells five kinds of jets apart by sixteen substructure variables.
    pub model Jet(x: [16]) -> y: [5] {
        h1 = relu(dense(x, 64));
        h2 = relu(dense(h1, 32));
        h3 = relu(dense(h2, 32));
        y  = softmax(dense(h3, 5));
        loss cross_entropy(y, target);
    }
}
