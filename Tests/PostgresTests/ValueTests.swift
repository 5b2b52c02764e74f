import FoundationEssentials
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct ValueTests {
    private enum Stage: String { case open, closed }
    private struct Place: Codable, Equatable { var name: String; var beds: Int }

    /// Sends a value and reads it back.
    private func echo<Value: PostgresEncodable & PostgresDecodable>(
        _ value: Value, on pool: PostgresPool
    ) async throws -> Value {
        try #require(try await pool.query("select \(value) as value").first).get("value")
    }

    @Test func scalarsComeBackAsTheyWereSent() async throws {
        try await withPool { pool async throws in
            for value in [true, false] { #expect(try await echo(value, on: pool) == value) }
            for value in [Int16.min, -1, 0, .max] { #expect(try await echo(value, on: pool) == value) }
            for value in [Int32.min, -1, 0, .max] { #expect(try await echo(value, on: pool) == value) }
            for value in [Int64.min, -1, 0, .max] { #expect(try await echo(value, on: pool) == value) }
            for value in [Int.min, -1, 0, .max] { #expect(try await echo(value, on: pool) == value) }
            for value in [0, -0.1, .pi, .infinity, Double.leastNonzeroMagnitude] {
                #expect(try await echo(value, on: pool) == value)
            }
            #expect(try await echo(Double.nan, on: pool).isNaN)
            for value in ["", "a", "é 'quote' \"double\" \\ $1 ; --", String(repeating: "語", count: 100_000)] {
                #expect(try await echo(value, on: pool) == value)
            }
            let id = UUID()
            #expect(try await echo(id, on: pool) == id)
            for value in [[], [0], [UInt8](0...255)] as [[UInt8]] { #expect(try await echo(value, on: pool) == value) }
        }
    }

    @Test func datesKeepTheirMicroseconds() async throws {
        try await withPool { pool in
            for seconds in [0, 1, -1, 0.000_001, -978_307_200, 800_000_000.123_456, -63_000_000_000] as [Double] {
                let date = Date(timeIntervalSinceReferenceDate: seconds)
                let distance = try await echo(date, on: pool).timeIntervalSince(date)
                #expect(abs(distance) < 0.000_001)
            }
            let text = try await pool.query("select \(Date(timeIntervalSince1970: 0))::text as text").first
            #expect(try text?.get("text") == "1970-01-01 00:00:00+00")
            let error = try await failure {
                _ = try await pool.query("select 'infinity'::timestamptz as t").first?.get("t", as: Date.self)
            }
            #expect(error.code == .decoding)
            // A date that PostgreSQL has no room for traps nowhere.
            _ = try? await echo(Date(timeIntervalSinceReferenceDate: .infinity), on: pool)
            _ = try? await echo(Date(timeIntervalSinceReferenceDate: .nan), on: pool)
        }
    }

    @Test func nullsAreNullAndEmptyIsNot() async throws {
        try await withPool { pool in
            #expect(try await echo(String?.none, on: pool) == nil)
            #expect(try await echo(Int64?.none, on: pool) == nil)
            #expect(try await echo(UUID?.none, on: pool) == nil)
            #expect(try await echo([UInt8]?.none, on: pool) == nil)
            #expect(try await echo([String]?.none, on: pool) == nil)
            #expect(try await echo(String?.some(""), on: pool) == "")
            #expect(try await echo([UInt8]?.some([]), on: pool) == [])
            let row = try await pool.query("select \(String?.none) is null as a, \("") is null as b").first
            #expect(try row?.get("a", as: Bool.self) == true)
            #expect(try row?.get("b", as: Bool.self) == false)
        }
    }

    @Test func arraysComeBackWithTheirNulls() async throws {
        try await withPool { pool in
            #expect(try await echo([String](), on: pool) == [])
            #expect(try await echo(["a", "", "NULL", "{,}"], on: pool) == ["a", "", "NULL", "{,}"])
            #expect(try await echo(["a", nil, ""] as [String?], on: pool) == ["a", nil, ""])
            #expect(try await echo([1, nil, .max] as [Int64?], on: pool) == [1, nil, .max])
            #expect(try await echo([Int.min, 7], on: pool) == [.min, 7])
            #expect(try await echo([true, false], on: pool) == [true, false])
            #expect(try await echo([1, 2] as [Int16], on: pool) == [1, 2])
            #expect(try await echo([1, 2] as [Int32], on: pool) == [1, 2])
            #expect(try await echo([0.5, 2], on: pool) == [0.5, 2])
            #expect(try await echo([[1, 2], [], [3]] as [[UInt8]], on: pool) == [[1, 2], [], [3]])
            let ids = (0..<3).map { _ in UUID() }
            #expect(try await echo(ids, on: pool) == ids)
            let dates = [Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 1.5)]
            #expect(try await echo(dates, on: pool) == dates)
            let documents = [PostgresJSON(bytes: Array("{}".utf8)), PostgresJSON(bytes: Array("[1, 2]".utf8))]
            #expect(try await echo(documents, on: pool) == documents)
            let nested = try await failure {
                _ = try await pool.query("select '{{1,2}}'::bigint[] as a").first?.get("a", as: [Int].self)
            }
            #expect(nested.code == .decoding)
        }
    }

    @Test func columnsOfABatchAreUnnested() async throws {
        try await withPool { pool in
            // given
            var ids = PostgresArray(.uuid, reserving: 3)
            var numbers = PostgresArray(.int8)
            var texts = PostgresArray(.text)
            let expected = (0..<3).map { _ in UUID() }
            for round in 0..<2 {
                ids.removeAll()
                numbers.removeAll()
                texts.removeAll()
                for (position, id) in expected.enumerated() {
                    ids.append(uuid: id)
                    position == 1 ? numbers.appendNull() : numbers.append(int8: Int64(position + round))
                    texts.append(text: "t\(position)")
                }
                // when
                let rows = try await pool.query(
                    "select * from unnest(\(ids), \(numbers), \(texts)) as v(id, number, text)"
                )
                // then
                #expect(try rows.map { try $0.get("id", as: UUID.self) } == expected)
                #expect(try rows.map { try $0.get("number", as: Int?.self) } == [round, nil, 2 + round])
                #expect(try rows.map { try $0.get("text", as: String.self) } == ["t0", "t1", "t2"])
            }
            let empty = try await pool.query("select * from unnest(\(PostgresArray(.jsonb))) as v(document)")
            #expect(empty.isEmpty)
        }
    }

    @Test func everyTypeOfABatchColumnIsUnderstood() async throws {
        try await withPool { pool in
            var bools = PostgresArray(.bool), int2s = PostgresArray(.int2), int4s = PostgresArray(.int4)
            var doubles = PostgresArray(.float8), dates = PostgresArray(.timestamptz), blobs = PostgresArray(.bytea)
            var documents = PostgresArray(.jsonb)
            bools.append(bool: true)
            int2s.append(int2: -2)
            int4s.append(int4: -4)
            doubles.append(float8: 0.25)
            dates.append(date: Date(timeIntervalSince1970: 60))
            [UInt8]([9, 0, 9]).withUnsafeBytes { blobs.append(bytes: $0) }
            documents.append(json: PostgresJSON(bytes: Array("{\"a\": 1}".utf8)))
            let rows = try await pool.query(
                """
                select * from unnest(\(bools), \(int2s), \(int4s), \(doubles), \(dates), \(blobs), \(documents))
                    as v(a, b, c, d, e, f, g)
                """)
            let row = try #require(rows.first)
            #expect(try row.get("a", as: Bool.self))
            #expect(try row.get("b", as: Int16.self) == -2)
            #expect(try row.get("c", as: Int.self) == -4)
            #expect(try row.get("d", as: Double.self) == 0.25)
            #expect(try row.get("e", as: Date.self) == Date(timeIntervalSince1970: 60))
            #expect(try row.get("f", as: [UInt8].self) == [9, 0, 9])
            #expect(try row.get("g", as: PostgresJSON.self).decode([String: Int].self) == ["a": 1])
        }
    }

    @Test func documentsAndEnumsAreDecoded() async throws {
        try await withPool { pool in
            let place = Place(name: "Maison « Relais »", beds: 12)
            let json = try PostgresJSON(encoding: place)
            let stored: PostgresJSON = try await echo(json, on: pool)
            #expect(try stored.decode(Place.self) == place)
            try await pool.query("create type stage as enum ('open', 'closed')")
            let row = try #require(
                try await pool.query(
                    """
                    select 'closed'::stage as typed, \(Stage.open.rawValue) as text, null::text as nothing,
                        'x' as other
                    """
                ).first)
            #expect(try row.get("typed", as: Stage.self) == .closed)
            #expect(try row.get("text", as: Stage.self) == .open)
            #expect(try row.get("nothing", as: Stage?.self) == nil)
            #expect(throws: PostgresError.self) { try row.get("other", as: Stage.self) }
        }
    }

    @Test func decodingErrorsNameTheColumnAndNeverTheValue() async throws {
        try await withPool { pool in
            let row = try #require(
                try await pool.query("select 'secret' as word, 1.5 as amount, null::bigint as gap, 7::int2 as small")
                    .first)
            func reason(_ body: () throws -> Void) -> String {
                let error = #expect(throws: PostgresError.self, performing: body)
                return "\(error?.description ?? "") \(String(reflecting: error))"
            }
            let word = reason { _ = try row.get("word", as: Int.self) }
            #expect(word.contains("word") && !word.contains("secret"))
            let amount = reason { _ = try row.get("amount", as: Double.self) }
            #expect(amount.contains("numeric") && amount.contains("cast"))
            let gap = reason { _ = try row.get("gap", as: Int.self) }
            #expect(gap.contains("null"))
            let none = reason { _ = try row.get("absent", as: Int.self) }
            #expect(none.contains("absent"))
            #expect(try row.get("small", as: Int.self) == 7)
            #expect(try row.get("small", as: Int32.self) == 7)
        }
    }
}
