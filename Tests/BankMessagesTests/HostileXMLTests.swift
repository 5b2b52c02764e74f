import Testing

@testable import BankMessages

/// What someone may send instead of a message.
@Suite struct HostileXMLTests {
    private static let namespace = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"

    private static func error(reading text: String) -> BankMessagesError? {
        #expect(throws: BankMessagesError.self) { try PaymentStatusReport(reading: Array(text.utf8)) }
    }

    @Test(arguments: [
        #"<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>"#,
        #"<!DOCTYPE Document [<!ENTITY secret SYSTEM "file:///etc/passwd">]>"#,
        #"<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">"#,
        #"<!DOCTYPE Document [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>"#, "<!DOCTYPE Document>",
    ])
    func documentTypesAreRefusedBeforeAnEntityIsDeclared(declaration: String) {
        let text = """
            <?xml version="1.0"?>
            \(declaration)
            <Document xmlns="\(Self.namespace)"><CstmrPmtStsRpt>&c;&secret;</CstmrPmtStsRpt></Document>
            """
        #expect(Self.error(reading: text) == .documentTypeDeclared(line: 2))
    }

    @Test func parserStopsAtTheDeclarationAndReadsNoEntity() throws {
        // given
        let text = """
            <!DOCTYPE Document [
            <!ENTITY a "ha">
            ]>
            <Document xmlns="\(Self.namespace)">&a;</Document>
            """
        let tree = DocumentTree(namespaces: [Self.namespace])
        // when
        let problem = ExpatParser()?.parse(Array(text.utf8), into: tree)
        // then
        #expect(problem == .malformed(reason: "parsing aborted", line: 1))
        #expect(tree.failure == .documentTypeDeclared(line: 1) && tree.elements.isEmpty)
    }

    @Test func undeclaredEntitiesAreNoXML() {
        let text = #"<Document xmlns="\#(Self.namespace)">&c;</Document>"#
        #expect(Self.error(reading: text) == .malformed(reason: "undefined entity", line: 1))
    }

    @Test func messagesAreReadUpToTheLimitAndNotAByteMore() throws {
        let bytes = try Controls.golden("pain002-10.xml")
        _ = try PaymentStatusReport(reading: bytes, byteCountMax: bytes.count)
        #expect(throws: BankMessagesError.tooLarge(limit: "\(bytes.count - 1) bytes")) {
            try PaymentStatusReport(reading: bytes, byteCountMax: bytes.count - 1)
        }
        #expect(throws: BankMessagesError.tooLarge(limit: "8388608 bytes")) {
            try DebitCreditNotification(reading: [UInt8](repeating: 0x20, count: 8_388_609))
        }
    }

    @Test func deepNestingIsRefused() {
        let depth = 100_000
        let text =
            #"<Document xmlns="\#(Self.namespace)">"# + String(repeating: "<a>", count: depth)
            + String(repeating: "</a>", count: depth) + "</Document>"
        #expect(Self.error(reading: text) == .tooLarge(limit: "64 levels of elements"))
    }

    @Test func vocabulariesOfTheirOwnAreRefused() {
        let names = (0..<5_000).map { "<a\($0)/>" }.joined()
        let text = #"<Document xmlns="\#(Self.namespace)">\#(names)</Document>"#
        #expect(Self.error(reading: text) == .tooLarge(limit: "4095 names of elements"))
    }

    @Test func manyElementsAndManyDuplicatesTakeNoMoreThanTheirShare() throws {
        // given
        let one = "<TxInfAndSts><OrgnlEndToEndId>E</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>"
        let text = """
            <Document xmlns="\(Self.namespace)"><CstmrPmtStsRpt><GrpHdr><MsgId>M</MsgId></GrpHdr><OrgnlGrpInfAndSts>\
            <OrgnlMsgId>O</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>B</OrgnlPmtInfId>\
            \(String(repeating: one, count: 20_000))\(String(repeating: "<a/>", count: 100_000))</OrgnlPmtInfAndSts>\
            </CstmrPmtStsRpt></Document>
            """
        // when
        let report = try PaymentStatusReport(reading: Array(text.utf8))
        // then
        #expect(report.transactions.count == 20_000 && report.duplicates.count == 19_999)
        #expect(report.duplicates.last?.place.hasSuffix("/TxInfAndSts[20000]") == true)
    }

    @Test(arguments: [
        "urn:iso:std:iso:20022:tech:xsd:pain.002.001.11", "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08", "",
    ])
    func unknownVersionsAreNamed(namespace: String) {
        let text = #"<Document xmlns="\#(namespace)"/>"#
        let error = Self.error(reading: text)
        #expect(
            error?.description == """
                the namespace \(namespace.isEmpty ? "(none)" : namespace) is not known: \
                urn:iso:std:iso:20022:tech:xsd:pain.002.001.10 or urn:iso:std:iso:20022:tech:xsd:pain.002.001.03 is \
                expected
                """)
    }

    @Test func namespacesForgeNoLogs() {
        let text = #"<Document xmlns="urn:&#9;error: é \#(String(repeating: "x", count: 1_000))"/>"#
        let description = Self.error(reading: text)?.description ?? ""
        #expect(description.hasPrefix("the namespace urn:?error:???xx"))
        #expect(description.count < 300 && description.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) })
    }

    /// The parser hands a namespace over with a line break behind it.
    @Test func namespacesHaveNoLineBreaks() {
        let text = #"<Document xmlns="\#(Self.namespace)&#10;Document"/>"#
        #expect(Self.error(reading: text)?.slug == "malformed-xml")
    }

    @Test func otherRootsAreNoMessages() {
        let text = #"<Documents xmlns="\#(Self.namespace)"/>"#
        #expect(Self.error(reading: text)?.slug == "unknown-message")
    }

    @Test(arguments: ["ISO-8859-1", "UTF-16", "x\u{201C}y"])
    func otherEncodingsAreRefusedByName(encoding: String) {
        let text = "<?xml version='1.0' encoding='\(encoding)'?><Document xmlns='\(Self.namespace)'/>"
        let error = Self.error(reading: text)
        let isName = encoding.utf8.allSatisfy { $0 < 0x80 }
        #expect(isName ? error == .unknownEncoding(name: encoding) : error?.slug == "malformed-xml")
    }

    @Test(arguments: [[0xFE, 0xFF, 0, 0x3C], [0xFF, 0xFE, 0x3C, 0], [0, 0x3C, 0, 0x44], [0x3C, 0, 0x44, 0]])
    func widerCharactersAreAnotherEncoding(bytes: [UInt8]) {
        #expect(throws: BankMessagesError.unknownEncoding(name: "UTF-16")) { try PaymentStatusReport(reading: bytes) }
    }

    @Test(arguments: [[], [0x20], [0x3C], [0xEF, 0xBB, 0xBF], [0x3C, 0xC3, 0x28, 0x3E]])
    func whatIsNoDocumentIsMalformed(bytes: [UInt8]) {
        let error = #expect(throws: BankMessagesError.self) { try PaymentStatusReport(reading: bytes) }
        #expect(error?.slug == "malformed-xml")
    }

    @Test(arguments: ["\u{FEFF}", "<?target do this?>", "<!-- a comment -->\n"])
    func marksCommentsAndInstructionsBeforeTheDocumentChangeNothing(before: String) throws {
        let golden = try Controls.golden("pain002-03.xml")
        let bare = golden.drop { $0 != UInt8(ascii: "\n") }.dropFirst()
        #expect(
            try PaymentStatusReport(reading: Array(before.utf8) + bare) == PaymentStatusReport(reading: golden))
    }

    @Test func textInPiecesIsOneText() throws {
        let bytes = try Controls.golden(
            "pain002-10.xml", replacing: ">PAYMENT-0001<", by: "><![CDATA[PAY]]>MENT<!-- - -->-&#48;00&#x31;<")
        let report = try PaymentStatusReport(reading: bytes)
        #expect(try report == PaymentStatusReport(reading: Controls.golden("pain002-10.xml")))
    }
}
