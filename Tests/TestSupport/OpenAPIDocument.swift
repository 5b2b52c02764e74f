import Yams

/// What an `openapi.yaml` promises.
package struct OpenAPIDocument {
    /// `GET /v1/calls/{id}`, as ``ServiceHarness/operations`` writes it.
    package let operations: Set<String>
    /// The `operationId`s, one for each operation that has one.
    package let identifiers: [String]

    /// - Throws: `YamlError` if the text is not YAML.
    package init(_ text: String) throws {
        let paths = try Yams.compose(yaml: text)?["paths"]?.mapping ?? [:]
        var operations: Set<String> = []
        var identifiers: [String] = []
        for (path, item) in paths {
            for (method, operation) in item.mapping ?? [:] where method.string != "parameters" {
                operations.insert("\(method.string?.uppercased() ?? "") \(path.string ?? "")")
                if let identifier = operation["operationId"]?.string { identifiers.append(identifier) }
            }
        }
        self.operations = operations
        self.identifiers = identifiers
    }
}
