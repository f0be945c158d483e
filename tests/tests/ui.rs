//! Mistakes as rustc shows them: our message at the user's token, and nothing else.

#[test]
fn rustc_shows_our_messages_alone() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
