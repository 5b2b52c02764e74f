/// The pages are a publisher like any other, so that every rule of the intake holds for them; nobody else may carry the
/// name, and since whoever gives the answer waits for the page, no receipt goes to a queue.
package enum PagesPublisher {
    package static let name = "pages"
    package static let source = "/maillage/feedback/pages"
}
