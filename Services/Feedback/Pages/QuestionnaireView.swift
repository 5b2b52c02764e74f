import FeedbackDomain

/// A questionnaire as fields of a form: each question a group of radio buttons with its levels, then the comment. What
/// has to be mended stands above the form and beside the field.
struct QuestionnaireView {
    let form: GiverForm
    let entry: GiverEntry
    let faults: [EntryFault]
    let language: PageLanguage

    /// Reads what the fields hold; a level that the form does not have counts as none.
    static func entry(_ body: FormBody, form: GiverForm) -> GiverEntry {
        let choices: [Int?] = form.items.enumerated().map { index, item in
            guard let value = Int(body["a\(index)"]), item.levels.contains(where: { $0.value == value }) else {
                return nil
            }
            return value
        }
        return GiverEntry(choices: choices, comment: body["comment"])
    }

    /// Named first by a screen reader, and focused without any script.
    var summary: HTML? {
        guard !faults.isEmpty else { return nil }
        let links = faults.map { fault -> HTML in
            "<li><a href=\"#\(target(of: fault))\">\(words(for: fault, inSummary: true))</a></li>"
        }
        return """
            <div class="faults" role="alert" tabindex="-1" autofocus aria-labelledby="faults-title">
            <h2 id="faults-title">\(language("À compléter avant l’envoi", "To complete before sending"))</h2>
            <ul>
            \(links)
            </ul>
            </div>
            """
    }

    var fields: HTML {
        """
        \(form.items.indices.map(item))
        \(comment)
        """
    }

    private func item(_ index: Int) -> HTML {
        let item = form.items[index]
        let fault = faults.first { $0 == .unanswered(item: index) || (index == 0 && $0 == .nothingAnswered) }
        let error: HTML? = fault.map { fault in
            "<p class=\"error\" id=\"a\(index)-error\">\(words(for: fault, inSummary: false))</p>"
        }
        let number: HTML? = form.items.count > 1 ? "<span class=\"number\">\(index + 1).</span> " : nil
        let described: HTML? = fault == nil ? nil : " aria-describedby=\"a\(index)-error\""
        return """
            <fieldset class="item\(error == nil ? "" : " faulty")"\(described)>
            <legend>\(number)\(item.question)</legend>
            \(error)
            <p class="ends" aria-hidden="true">\(item.levels.compactMap(end))</p>
            <div class="levels levels-\(item.levels.count)">
            \(item.levels.map { level($0, of: index) })
            </div>
            </fieldset>
            """
    }

    private func end(_ level: GiverForm.Level) -> HTML? {
        level.meaning.map { "<span>\(level.value) = \($0)</span> " }
    }

    private func level(_ level: GiverForm.Level, of index: Int) -> HTML {
        let meaning: HTML? = level.meaning.map { "<span class=\"unseen\"> = \($0)</span>" }
        return """
            <label class="level"><input type="radio" id="a\(index)-\(level.value)" name="a\(index)" \
            value="\(level.value)"\(flag: "checked", if: entry.choices[index] == level.value)>\
            <span class="value">\(level.value)</span>\(meaning)</label>
            """
    }

    private var comment: HTML {
        let fault = faults.first { if case .commentTooLong = $0 { true } else { false } }
        let error: HTML? = fault.map {
            "<p class=\"error\" id=\"comment-error\">\(words(for: $0, inSummary: false))</p>"
        }
        let described: HTML = fault == nil ? "comment-hint" : "comment-hint comment-error"
        // A line end right after the tag is not the text's.
        return """
            <div class="item\(fault == nil ? "" : " faulty")">
            <label class="question" for="comment">\(language(
                "Un commentaire ? (facultatif)", "Any comment? (optional)"))</label>
            <p class="hint" id="comment-hint">\(language(
                "N’écrivez ni nom, ni adresse, ni numéro, le vôtre ou celui d’un autre. 4 000 caractères au plus.",
                "Please give no names, addresses or numbers, yours or anyone else’s. At most 4,000 characters."))\
            </p>
            \(error)
            <textarea id="comment" name="comment" rows="5" aria-describedby="\(described)">
            \(entry.comment)</textarea>
            </div>
            """
    }

    private func target(of fault: EntryFault) -> String {
        switch fault {
        case .unanswered(let item): "a\(item)-\(form.items[item].levels.first?.value ?? 0)"
        case .nothingAnswered: "a0-\(form.items[0].levels.first?.value ?? 0)"
        case .commentTooLong: "comment"
        }
    }

    private func words(for fault: EntryFault, inSummary: Bool) -> String {
        switch fault {
        case .unanswered(let item):
            inSummary && form.items.count > 1
                ? language("Question \(item + 1) : choisissez une réponse", "Question \(item + 1): choose an answer")
                : language("Choisissez une réponse", "Choose an answer")
        case .nothingAnswered:
            language("Répondez à une question au moins", "Answer one question at least")
        case .commentTooLong(let excess):
            language(
                "Raccourcissez le commentaire de \(excess) caractères", "Shorten the comment by \(excess) characters")
        }
    }
}
