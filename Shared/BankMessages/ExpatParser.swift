internal import CExpat

/// The one owner of a parser of libexpat: made, used once and freed. No pointer of the library leaves this file, and
/// none of ours is kept by it after `parse`.
///
/// The library gets the whole document in one call, so it never reads a token twice; a document type declaration stops
/// it before the first entity is declared, so there is none to expand or fetch.
struct ExpatParser: ~Copyable {
    private let handle: OpaquePointer

    /// nil where there is no memory for it.
    init?() {
        // UTF-8 whatever the document says: it may not say anything else.
        guard let handle = XML_ParserCreateNS("UTF-8", XML_Char(DocumentTree.separator)) else { return nil }
        self.handle = handle
    }

    deinit { XML_ParserFree(handle) }

    /// Once: the library reads no second document.
    /// - Parameter bytes: at most `Int32.max`.
    /// - Returns: why it is no document; nil where it is one. What the tree itself refused stands in the tree.
    borrowing func parse(_ bytes: [UInt8], into tree: DocumentTree) -> BankMessagesError? {
        // Handlers get the parser, to stop it; the tree is what they find in it.
        XML_SetUserData(handle, Unmanaged.passUnretained(tree).toOpaque())
        XML_UseParserAsHandlerArg(handle)
        Self.setHandlers(of: handle)
        let status = withExtendedLifetime(tree) {
            bytes.withUnsafeBytes { buffer in
                XML_Parse(handle, buffer.baseAddress?.assumingMemoryBound(to: XML_Char.self), Int32(buffer.count), 1)
            }
        }
        guard status != XML_STATUS_OK else { return nil }
        let reason = XML_ErrorString(XML_GetErrorCode(handle)).map { String(cString: $0) } ?? "unknown"
        return .malformed(reason: reason, line: Self.line(of: handle))
    }

    private static func setHandlers(of handle: OpaquePointer) {
        XML_SetElementHandler(
            handle,
            { parser, name, attributes in
                guard let name else { return }
                ExpatParser.withTree(of: parser) { tree, _ in
                    tree.start(String(cString: name), currency: ExpatParser.currency(among: attributes))
                }
            },
            { parser, _ in ExpatParser.withTree(of: parser) { tree, _ in tree.end() } })
        XML_SetCharacterDataHandler(handle) { parser, characters, count in
            guard let characters, count > 0 else { return }
            ExpatParser.withTree(of: parser) { tree, _ in
                characters.withMemoryRebound(to: UInt8.self, capacity: Int(count)) {
                    tree.add(UnsafeBufferPointer(start: $0, count: Int(count)))
                }
            }
        }
        XML_SetXmlDeclHandler(handle) { parser, _, encoding, _ in
            guard let encoding else { return }
            ExpatParser.withTree(of: parser) { tree, _ in
                let name = String(cString: encoding)
                if name.uppercased() != "UTF-8" {
                    tree.fail(.unknownEncoding(name: BankMessagesError.printable(name)))
                }
            }
        }
        XML_SetStartDoctypeDeclHandler(handle) { parser, _, _, _, _ in
            ExpatParser.withTree(of: parser) { tree, handle in
                tree.fail(.documentTypeDeclared(line: ExpatParser.line(of: handle)))
            }
        }
    }

    /// Finds the tree that a handler builds, and stops the parser when it has failed.
    private static func withTree(
        of parser: UnsafeMutableRawPointer?, _ body: (DocumentTree, OpaquePointer) -> Void
    ) {
        guard let parser else { return }
        let handle = OpaquePointer(parser)
        guard let user = maillage_user_data(handle) else { return }
        let tree = Unmanaged<DocumentTree>.fromOpaque(user).takeUnretainedValue()
        body(tree, handle)
        if tree.failure != nil { XML_StopParser(handle, XML_Bool(XML_FALSE)) }
    }

    private static func currency(
        among attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) -> String? {
        guard var attribute = attributes else { return nil }
        while let name = attribute[0], let value = attribute[1] {
            if DocumentTree.isCurrency(String(cString: name)) { return String(cString: value) }
            attribute += 2
        }
        return nil
    }

    private static func line(of handle: OpaquePointer) -> Int { Int(XML_GetCurrentLineNumber(handle)) }
}
