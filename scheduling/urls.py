from django.conf import settings
from django.urls import include, path

app_name = "scheduling"
urlpatterns = []
if not settings.IS_PRODUCTION:
    urlpatterns.append(path("demo/", include("scheduling.mailbox_urls")))
