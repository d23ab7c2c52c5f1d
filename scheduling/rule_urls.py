from django.urls import path

from scheduling.views import rules

urlpatterns = [
    path("", rules.rule_list, name="rule-list"),
    path("progress/", rules.rule_progress, name="rule-progress"),
    path("versions/", rules.rule_versions, name="rule-versions"),
    path("versions/<int:number>/", rules.rule_version, name="rule-version"),
    path("<slug:code>/", rules.rule_edit, name="rule-edit"),
    path("<slug:code>/try/", rules.rule_try, name="rule-try"),
]
