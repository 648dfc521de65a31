"""How Django renders forms: with our parts, from our template folder."""

from django.forms.renderers import TemplatesSetting


class PartsRenderer(TemplatesSetting):
    """`{{ form }}` and a field's group come from templates/parts; widgets may have their own."""

    form_template_name = "parts/form.html"
    field_template_name = "parts/field.html"
