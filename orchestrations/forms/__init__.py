"""Forms from JSON Schema: pure, without models. A schema and a document become a tree of fields, and back again.

    tree = building.of_document(schema, parameters)         what the page draws
    tree = building.of_post(schema, parameters, posted)     what came back, on top of the same stored parameters
    moving.act(tree, "add:p/command")                       a button of a list, before it is drawn again
    value, problems = reading.read(tree)                    what to save

The one rule that makes it lossless: a field left as it was drawn keeps exactly what was stored.
"""
