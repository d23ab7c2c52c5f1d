"""A page as a person reads it: its words in their order, without tags, scripts or addresses."""

from html.parser import HTMLParser


class _Words(HTMLParser):
    UNSEEN = ("script", "style", "template", "title")

    def __init__(self):
        super().__init__()
        self.found, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in self.UNSEEN

    def handle_endtag(self, tag):
        self.hidden -= tag in self.UNSEEN

    def handle_data(self, data):
        if not self.hidden:
            self.found.append(data)


def words(response) -> str:
    """The words of a page or fragment, each run of space a single one."""
    parser = _Words()
    parser.feed(response.text)
    return " ".join(" ".join(parser.found).split())
