import FoundationEssentials
import Postgres

/// What of a service's tables two runs have to agree on: all rows and columns but those named here.
package struct CanonicalSchema: Sendable {
    /// Whole tables, and columns as `table.column`. The reason stands beside each where it is given.
    package var leftOut: Set<String> = []
    /// A `jsonb` row for each line of a table of which only a part is comparable, as a query.
    package var views: [String: String] = [:]
    /// Numbers that refer to drawn ones without a foreign key: `table.column` to `table.column`.
    package var references: [String: String] = [:]
    /// Queries for a text per violation of something that always holds, also between two steps.
    package var violations: [String] = []

    package init() {}

    /// What holds for every service's messaging.
    private static let commonLeftOut: Set = [
        // Which repetitions of a request there were, and the schema's own history.
        "http_commands", "maillage_migrations",
        // The relay's, and derived from the log that is compared.
        "outbox", "events_personal", "streams",
        // Beside what they are summed up from.
        "inbox_counts",
        // The server's clock.
        "inbox.received_at", "inbox_checkpoints.received_at",
    ]

    /// Left out of events: position, number within the subject, who and what caused them, the server's clock. They tell
    /// which of several needed events came last, and that is what a permutation changes.
    private static let commonViews = [
        "events": """
        select jsonb_build_object('id', id, 'type', type, 'subject', subject, 'time', time, 'data', data::jsonb)
        from events
        """,
        "inbox_receipts": """
        select jsonb_build_object('type', type, 'slice', slice, 'events', sum(event_count))
        from (select * from inbox_receipts union all select * from inbox_counts) as c
        group by type, slice having sum(event_count) <> 0
        """,
        // Those that have caught up meanwhile are forgotten by and by.
        "inbox_heads": """
        select jsonb_build_object('stream', stream, 'subject', subject, 'sequence', sequence)
        from inbox_heads as h
        where not exists (
            select from inbox_order as o where o.owner = h.owner and o.stream = h.stream and o.subject = h.subject
                and o.last_sequence >= h.sequence)
        """,
        "inbox_parked": "select jsonb_build_object('id', id, 'waits_for', waits_for) from inbox_parked",
        "dead_letters": """
        select jsonb_build_object('event', event_id, 'class', class, 'reason', reason, 'state', state) from dead_letters
        """,
    ]

    /// An event whose predecessor is applied, and that nothing looks at any more but the sweep: two transactions missed
    /// each other.
    private static let lostWakeUps = """
        select 'a wake-up was lost: ' || p.stream || ' ' || p.subject || ' #' || p.sequence || ' waits for #'
            || o.last_sequence || ', which is applied'
        from inbox_parked as p join inbox_order as o using (owner, stream, subject)
        where p.is_ordered and p.waits_for = 'predecessor' and p.sequence <= o.last_sequence + 1
        """

    /// Whatever a handler makes of an event that it gets once more: it is not to get it.
    private static let secondEffects = """
        select 'it took effect ' || count(*) || ' times: ' || event
        from permutation.witness group by event having count(*) > 1
        """

    /// A valid history has nothing that cannot be applied.
    private static let deadLetters = "select 'a dead letter: ' || class || ', ' || reason from dead_letters"

    /// Makes the views, a copy of what is there now, and the brake that holds transactions open over each other.
    func install(on pool: PostgresPool) async throws {
        let tables = try await tables(of: pool)
        var state: [String] = []
        for table in tables where !Self.commonLeftOut.contains(table.name) && !leftOut.contains(table.name) {
            let query = views[table.name] ?? Self.commonViews[table.name] ?? rows(of: table)
            state.append("select '\(table.name) ' || v.content::text as line from (\(query)) as v (content)")
        }
        let violations = ([Self.lostWakeUps, Self.secondEffects, Self.deadLetters] + violations).map {
            "select v.line from (\($0)) as v (line)"
        }
        let copies = tables.map { #"create table permutation."\#($0.name)" as table "\#($0.name)";"# }
        let restores = tables.map { table in
            #"delete from "\#(table.name)"; insert into "\#(table.name)" overriding system value "#
                + #"table permutation."\#(table.name)";"#
        }
        let script = """
            create schema permutation;
            \(copies.joined(separator: "\n"))
            create view permutation.state as \(state.joined(separator: " union all "));
            create table permutation.witness (event uuid not null);
            create view permutation.violations as \(violations.joined(separator: " union all "));
            create table permutation.brake (milliseconds int not null);
            insert into permutation.brake values (0);
            create function permutation.brake() returns trigger language plpgsql as $$
            begin
                perform pg_sleep(milliseconds * (0.5 + random()) / 1000.0)
                from permutation.brake where milliseconds > 0;
                return null;
            end $$;
            create trigger brake after insert on inbox for each statement execute function permutation.brake();
            create trigger brake after insert on inbox_parked for each statement execute function permutation.brake();
            create procedure permutation.restore() language plpgsql as $$
            begin
                -- Append-only tables refuse this to everybody else.
                set local session_replication_role = replica;
                delete from permutation.witness;
                \(restores.joined(separator: "\n"))
            end $$;
            """
        try await pool.withConnection { try await $0.executeScript(script) }
    }

    private struct Table {
        let name: String
        var columns: [(name: String, isIdentity: Bool, references: String?)] = []
    }

    private func tables(of pool: PostgresPool) async throws -> [Table] {
        let rows = try await pool.query(
            """
            select c.relname::text as table_name, a.attname::text as column_name, a.attidentity <> '' as is_identity,
                (select f.relname || '.' || t.attname
                from pg_constraint as k join pg_class as f on f.oid = k.confrelid
                join pg_attribute as t on t.attrelid = f.oid and t.attnum = k.confkey[1] and t.attidentity <> ''
                where k.contype = 'f' and k.conrelid = c.oid and k.conkey = array[a.attnum]) as target
            from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
            order by c.relname, a.attnum
            """)
        var tables: [Table] = []
        for row in rows {
            let name: String = try row.get("table_name")
            if tables.last?.name != name { tables.append(Table(name: name)) }
            tables[tables.count - 1].columns.append(
                (try row.get("column_name"), try row.get("is_identity"), try row.get("target")))
        }
        return tables
    }

    private func rows(of table: Table) -> String {
        let members = table.columns.compactMap { column -> String? in
            let place = "\(table.name).\(column.name)"
            guard !leftOut.contains(place), !Self.commonLeftOut.contains(place) else { return nil }
            let domain = references[place] ?? column.references ?? (column.isIdentity ? place : nil)
            let value = domain.map { #"'<\#($0)#' || t."\#(column.name)" || '>'"# } ?? #"t."\#(column.name)""#
            return "'\(column.name)', \(value)"
        }
        let list = members.joined(separator: ", ")
        return #"select jsonb_strip_nulls(jsonb_build_object(\#(list))) from "\#(table.name)" as t"#
    }
}
