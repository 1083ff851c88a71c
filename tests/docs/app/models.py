"""What `analyze_type=app.models.Item` names."""


class Item:
    """An object of which one is kept."""


KEPT = [Item()]
