"""Names that the run and its checker agree on."""

CHECKER_ROLE = "maillage_checker"
CHECKER_SECRET = "database-checker"
FEEDBACK_JOURNAL = "feedback.jsonl"
COMMANDS_JOURNAL = "commands.jsonl"
RUN_FILE = "run.json"
FAULTS_LOG = "faults.jsonl"
