"""Questions to answer in words, with a rubric for those who read the answers.

They are in ``questions.toml`` of an assignment. Students get them as ``questions.md``, without the rubric. Their points
are given by people, and stand beside those of the tests.
"""

import dataclasses
import tomllib

from minivision.homework.manifest import ManifestError

FILE, HANDED_OUT = "questions.toml", "questions.md"


@dataclasses.dataclass(frozen=True)
class Question:
    """A question to answer in words.

    Attributes
    ----------
    id, text : str
    after : str
        Id of the task that it is about.
    rubric : tuple of (float, str)
        Points, and what an answer has to say for them.
    """

    id: str
    after: str
    text: str
    rubric: tuple

    @property
    def points(self):
        """Sum of the points in the rubric."""
        return sum(points for points, _ in self.rubric)


def load_questions(assignment):
    """Read the questions of an assignment.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    questions : list of Question
        Empty if it has no ``questions.toml``.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a question lacks an entry or names a task that does not exist.
    """
    path = assignment.folder / FILE
    if not path.is_file():
        return []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("question", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None
    return [_question(assignment, entry, f"{path}, question {k}") for k, entry in enumerate(entries, 1)]


def _question(assignment, entry, where):
    if not isinstance(entry, dict) or set(entry) != {"id", "after", "text", "rubric"}:
        raise ManifestError(f"{where}: expected the entries id, after, text and rubric, got {entry}")
    if entry["after"] not in [task.id for task in assignment.tasks]:
        raise ManifestError(f"{where}: there is no task {entry['after']}")
    rubric = entry["rubric"]
    right = isinstance(rubric, list) and rubric
    for line in rubric if right else ():
        right = right and isinstance(line, list) and len(line) == 2 and isinstance(line[1], str)
        right = right and isinstance(line[0], (int, float)) and line[0] > 0
    if not right:
        raise ManifestError(f'{where}: rubric: expected lists of points and a sentence, [2, "..."], got {rubric!r}')
    text = " ".join(entry["text"].split())
    return Question(entry["id"], entry["after"], text, tuple((points, sentence) for points, sentence in rubric))


def sheet(assignment, *, rubric=False):
    """Return the questions of an assignment as a page to write answers into, or for staff with the rubric.

    Parameters
    ----------
    assignment : Assignment
    rubric : bool

    Returns
    -------
    text : str
        Markdown.
    """
    parts = [f"# {assignment.title}: questions\n"]
    if not rubric:
        parts.append("Answer in two to five sentences of your own, and be ready to explain them.\n")
    for question in load_questions(assignment):
        task = assignment.task(question.after)
        parts.append(f"## {question.id} ({question.points:g} points, after {task.id}: {task.title})\n")
        parts.append(f"{question.text}\n")
        lines = [f"- {points:g}: {sentence}" for points, sentence in question.rubric]
        parts.append("\n".join(lines) + "\n" if rubric else "Your answer:\n")
    return "\n".join(parts)
