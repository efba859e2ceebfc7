"""The built-in components: programs, each declared by a component.json; nothing here is imported by the site."""
