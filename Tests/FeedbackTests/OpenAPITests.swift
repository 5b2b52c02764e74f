import TestSupport
import Testing

@testable import Feedback

@Suite struct OpenAPITests {
    @Test func everyRouteIsDescribedAndEveryDescriptionIsARoute() async throws {
        try await ServiceHarness.with(FeedbackService.self) { service in
            let document = try await service.openAPI()
            #expect(document.operations == service.operations)
            #expect(!document.operations.isEmpty)
            #expect(Set(document.identifiers).count == document.operations.count)
        }
    }
}
