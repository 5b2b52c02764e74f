import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import TestSupport
import Testing

@Suite struct RequestTests {
    private static let application = """
        {"title":"Télé","track":"open","partners":[{"siren":"123456789","shareBasisPoints":5000}],\
        "startsAt":"2026-03-02T10:00:00+01:00","call":null}
        """

    @Test func aBodyThatTakesLongerThanItMayIsGivenUp() async throws {
        let request = Request(
            head: HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/"),
            body: RequestBody(buffer: ByteBuffer(string: "{}")))
        #expect(try await BodyDecoder.collect(request, limitBytes: 2) == Array("{}".utf8))
        let problem = await #expect(throws: Problem.self) {
            try await BodyDecoder.collect(request, limitBytes: 2, within: .zero)
        }
        #expect(problem?.status == .requestTimeout && problem?.slug == "body-too-slow")
    }

    @Test func aBodyIsReadAndWrittenWithInstantsInUTC() async throws {
        let answer = try await TestRouter().request(.post, "/applications", json: Self.application)
        #expect(answer.status == .created)
        #expect(
            answer.text == """
                {"partners":[{"shareBasisPoints":5000,"siren":"123456789"}],"startsAt":"2026-03-02T09:00:00.000Z",\
                "title":"Télé","track":"open"}
                """)
    }

    /// What is read here may be sent back as feedback, and is compared with what an event said.
    @Test(arguments: [(0.2579996, "01.258"), (0.0004, "01.000"), (0.9996, "02.000"), (0.5, "01.500")])
    func instantsAreRoundedAsInEvents(fraction: Double, seconds: String) {
        let date = Date(timeIntervalSinceReferenceDate: 702_194_401 + fraction)
        #expect(JSONFormat.text(date) == "2023-04-03T06:00:\(seconds)Z")
    }

    @Test(arguments: [
        (#""title":"Télé","#, "", "/title", "expected a value; the field is missing"),
        (#""Télé""#, "7", "/title", "expected a string"),
        (#""Télé""#, "null", "/title", "expected a string, not null"),
        (#""open""#, #""secret-value""#, "/track", "expected a value that this field allows"),
        ("5000", #""half""#, "/partners/0/shareBasisPoints", "expected an integer"),
        ("5000", "0.5", "/partners/0/shareBasisPoints", "expected an integer, or a number that this field allows"),
        ("5000", "1e30", "/partners/0/shareBasisPoints", "expected an integer, or a number that this field allows"),
        ("[{", #"[1,{"#, "/partners/0", "expected an object"),
        ("2026-03-02T10:00:00+01:00", "tomorrow", "/startsAt", "expected an instant such as 2026-01-31T09:00:00Z"),
        (#""call":null"#, #""call":"x""#, "/call", "expected a UUID"),
    ])
    func aFieldThatIsWrongIsNamedAndWhatWasSentIsNot(
        _ what: String, _ by: String, _ field: String, _ detail: String
    ) async throws {
        let body = Self.application.replacing(what, with: by)
        #expect(body != Self.application)
        let answer = try await TestRouter().request(.post, "/applications", json: body)
        #expect(answer.status == .unprocessableContent)
        #expect(answer.problemSlug == "invalid-field")
        #expect(answer.problem?.field == field)
        #expect(answer.problem?.detail == detail)
        #expect(!answer.text.contains("secret-value") && !answer.text.contains("tomorrow"))
    }

    @Test(arguments: ["", "{", #"{"title":}"#, "nonsense", "\u{1}"])
    func whatIsNotJSONIsABadRequest(_ body: String) async throws {
        let answer = try await TestRouter().request(.post, "/applications", json: body)
        #expect(answer.status == .badRequest && answer.problemSlug == "malformed-json")
    }

    @Test func aBodyOfBracketsIsRefusedBeforeItIsDecoded() async throws {
        let router = try await TestRouter()
        let deep = try await router.request(
            .post, "/applications", json: String(repeating: "[", count: 33) + String(repeating: "]", count: 33))
        #expect(deep.status == .badRequest && deep.problem?.detail == "nested deeper than 32 levels")
        // Brackets in a text nest nothing.
        let text = Self.application.replacing("Télé", with: #"\""# + String(repeating: "[{", count: 100))
        #expect(try await router.request(.post, "/applications", json: text).status == .created)
    }

    @Test func aBodyOverOneMebibyteIsTooLarge() async throws {
        let router = try await TestRouter()
        let padding = 1_048_576 - Self.application.utf8.count
        let largest = Self.application.replacing("Télé", with: "Télé" + String(repeating: "x", count: padding))
        #expect(largest.utf8.count == 1_048_576)
        #expect(try await router.request(.post, "/applications", json: largest).status == .created)
        let over = try await router.request(.post, "/applications", json: largest + " ")
        #expect(over.status == .contentTooLarge && over.problemSlug == "body-too-large")
        let announced = try await router.request(
            .post, "/applications", json: "{}", headers: [.contentLength: "99999999999"])
        #expect(announced.status == .contentTooLarge)
    }

    @Test(arguments: ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
    func aBodyThatIsNotSaidToBeJSONIsNotTaken(_ type: String) async throws {
        let answer = try await TestRouter().request(
            .post, "/applications", json: Self.application, headers: [.contentType: type])
        #expect(answer.status == .unsupportedMediaType && answer.problemSlug == "unsupported-media-type")
    }

    @Test(arguments: ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"])
    func everySpellingOfJSONIsTaken(_ type: String) async throws {
        let answer = try await TestRouter().request(
            .post, "/applications", json: Self.application, headers: [.contentType: type])
        #expect(answer.status == .created)
    }

    @Test func aChangeNeedsTheVersionThatWasRead() async throws {
        let router = try await TestRouter()
        #expect(try await router.request(.put, "/applications/1").status == .preconditionRequired)
        let bad = try await router.request(.put, "/applications/1", headers: [.ifMatch: "W/\"v3\""])
        #expect(bad.status == .badRequest && bad.problemSlug == "bad-if-match")
        let old = try await router.request(.put, "/applications/1", headers: [.ifMatch: "\"v2\""])
        #expect(old.status == .preconditionFailed && old.version == 3 && old.problemSlug == "version-mismatch")
        let right = try await router.request(.put, "/applications/1", headers: [.ifMatch: "\"v3\""])
        #expect(right.status == .ok && right.version == 4)
    }

    @Test(arguments: ["\"v-1\"", "\"v\"", "v3", "\"3\"", "\"v3\", \"v4\"", "*", "\"v99999999999999999999\""])
    func onlyOurTagsHaveAVersion(_ text: String) {
        #expect(EntityTag.version(text) == nil)
    }

    @Test func aListIsReadPageByPage() async throws {
        struct Answer: Decodable {
            let items: [Int64]
            let next: String?
        }
        let router = try await TestRouter()
        let first = try await router.request(.get, "/list?limit=2").decode(Answer.self)
        #expect(first.items == [1, 2])
        let next = try #require(first.next)
        #expect(try await router.request(.get, "/list?limit=3&after=\(next)").decode(Answer.self).items == [3, 4, 5])
        #expect(try await router.request(.get, "/list").decode(Answer.self).items.count == 50)
    }

    @Test(arguments: ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=", "after=%21", "after=eHg", "after=MTp4"])
    func aPageThatDoesNotExistIsABadRequest(_ query: String) async throws {
        let answer = try await TestRouter().request(.get, "/list?\(query)")
        #expect(answer.status == .badRequest)
        #expect(answer.problemSlug == (query.hasPrefix("limit") ? "bad-limit" : "bad-cursor"))
    }

    @Test func aCursorKeepsAnyText() throws {
        let fields = ["", "2026-01-01T00:00:00Z", "é:3:x", "🦊"]
        let cursor = Cursor(fields)
        #expect(
            cursor.text.utf8.allSatisfy {
                $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/")
            })
        #expect(try Cursor(parsing: cursor.text).fields(count: 4) == fields)
        #expect(throws: Problem.self) { try cursor.fields(count: 3) }
        #expect(throws: Problem.self) { try cursor.position() }
        #expect(try Cursor(parsing: Cursor(position: .min).text).position() == .min)
    }
}
