/// Rows as feedback has them after so many responses: of the experiments under way, by the same publisher, from
/// participants of their own.
///
/// Keys are as they would be, since it is the indexes that grow. The log's payloads are short and empty: nobody reads
/// them, and an insert does not depend on how wide the rows before it are. Figures of experiments are left alone.
struct StoredPast {
    let count: Int
    let publisher: String

    /// A batch of the intake holds as many responses of each of ten experiments.
    private static let responsesPerEvent = 50
    private static let source = "https://telesuivi.example/bench"

    var script: String {
        """
        begin;
        set local search_path = feedback;
        create temporary table past on commit drop as
            select n, e.experiment, gen_random_uuid() as response, gen_random_uuid()::text as event_id,
                md5('participant' || (n - 1) / \(FeedbackWorkload.occasionCount))::uuid as participant,
                'M' || (n - 1) % \(FeedbackWorkload.occasionCount) + 1 as occasion
            from generate_series(1, \(count)) as n
            join (select experiment, row_number() over (order by experiment) - 1 as place,
                count(*) over () as experiments_count from experiments) as e
                on e.place = (n - 1) / \(FeedbackWorkload.occasionCount) % e.experiments_count;
        insert into participants (experiment, pseudonym, participant, consent_scope, consented_at)
            select distinct on (participant) experiment, 'past-' || n, participant, 'questionnaires', now() from past
            order by participant, n;
        insert into identities (key, publisher, source, event_id, content_hash, outcome, response, version)
            select identity_key('\(publisher)', '\(Self.source)', event_id), '\(publisher)', '\(Self.source)', event_id,
                sha256(response::text::bytea), 'accepted', response, 1
            from past;
        insert into responses (experiment, participant, instrument, occasion, response, version, state,
                instrument_version, answered_at, publisher, touched_at)
            select experiment, participant, 'SUS', occasion, response, 1, 'valid', 'F-SUS-2021', now(),
                '\(publisher)', now()
            from past;
        insert into response_values (response, version, event, publisher, answered_at, is_retraction, salt,
                score, value_set, answers, comment, log_event)
            select response, 1, identity_key('\(publisher)', '\(Self.source)', event_id), '\(publisher)', now(), false,
                md5(n::text), 850, null,
                '[4,2,5,1,4,2,5,1,4,2]', 'rapide et clair, mais la connexion est lente en chambre', response
            from past;
        create temporary table past_events on commit drop as
            select experiment, row_number() over (partition by experiment) as sequence
            from past where n % \(Self.responsesPerEvent) = 0;
        insert into events (id, type, stream, subject, sequence, actor, time, correlation, data)
            select gen_random_uuid(), 'feedback.responses.recorded.v1', 'responses', experiment::text, sequence,
                'feedback', now(), gen_random_uuid()::text, '{"items":[]}'
            from past_events;
        insert into events_personal (position, personal) select position, '[]' from events;
        insert into streams (stream, subject, version)
            select 'responses', experiment::text, max(sequence) from past_events group by experiment;
        commit
        """
    }
}
