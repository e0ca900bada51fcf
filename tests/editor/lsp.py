"""A client of a language server, over stdio: as much of the protocol as the tests of this folder speak."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any


class Editor:
    """An editor without settings that has opened a folder.

    Every request of the server is answered with "no settings", so what it knows of a file comes from the file.
    """

    def __init__(self, command: list[str], folder: Path, *, wait_s: float = 20) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answers: Queue[dict[str, Any]] = Queue()
        self._folder = folder
        self._wait_s = wait_s
        self._last_id = 0
        self._found: dict[str, list[dict[str, Any]]] = {}
        Thread(target=self._listen, daemon=True).start()
        places = {"rootUri": folder.as_uri(), "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}]}
        snippets = {"completion": {"completionItem": {"snippetSupport": True}}, "hover": {}}
        self.ask("initialize", {"processId": None, "capabilities": {"textDocument": snippets}, **places})
        self._send({"method": "initialized", "params": {}})

    def open(self, text: str, name: str = "agent.yaml") -> File:
        """Open a file that need not be on disk."""
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return File(self, uri, text)

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Send a request and wait for its result."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        while True:
            message = self._answers.get(timeout=self._wait_s)
            if message.get("id") == self._last_id:
                assert "error" not in message, message["error"]
                return message.get("result")

    def problems(self, uri: str) -> list[dict[str, Any]]:
        """The diagnostics of a file, once the server has sent them."""
        while uri not in self._found:
            self._answers.get(timeout=self._wait_s)
        return self._found[uri]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        try:
            while head := pipe.readline():
                length = int(head.split(b":")[1])
                while pipe.readline().strip():
                    pass
                self._receive(json.loads(pipe.read(length)))
        except ValueError:  # closed by the test that is done with it
            return

    def _receive(self, message: dict[str, Any]) -> None:
        if "method" in message and "id" in message:
            items = message.get("params", {}).get("items") if isinstance(message.get("params"), dict) else None
            self._send({"id": message["id"], "result": [None for _ in items] if items is not None else None})
            return
        if message.get("method") == "textDocument/publishDiagnostics":
            self._found[message["params"]["uri"]] = message["params"]["diagnostics"]
        self._answers.put(message)


class File:
    """A file that is open in an editor."""

    def __init__(self, editor: Editor, uri: str, text: str) -> None:
        self._editor = editor
        self._uri = uri
        self._text = text

    def completions(self, line: int, column: int) -> dict[str, dict[str, Any]]:
        """What is offered at a place, both from 0, by label."""
        answer = self._editor.ask("textDocument/completion", self._at(line, column))
        return {item["label"]: item for item in answer["items"]}

    def hover(self, word: str) -> str:
        """What is shown for the first place of a word."""
        before = self._text[: self._text.index(word)]
        line = before.count("\n")
        answer = self._editor.ask("textDocument/hover", self._at(line, len(before) - before.rfind("\n")))
        text: str = answer["contents"]["value"]
        return text

    def problems(self) -> list[tuple[int, str]]:
        """Each problem with its line, from 0."""
        found = self._editor.problems(self._uri)
        return [(one["range"]["start"]["line"], one["message"]) for one in found]

    def _at(self, line: int, column: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self._uri}, "position": {"line": line, "character": column}}
