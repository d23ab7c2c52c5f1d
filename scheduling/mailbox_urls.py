"""What only a demo or a test has: the mailbox of the local mail server and the hand on the clock."""

from django.urls import path

from scheduling.views import mailbox

urlpatterns = [
    path("mailbox/", mailbox.mailbox_list, name="mailbox-list"),
    path("mailbox/<slug:key>/", mailbox.mailbox_show, name="mailbox-show"),
    path("mailbox/<slug:key>/html/", mailbox.mailbox_html, name="mailbox-html"),
    path("clock/", mailbox.clock_move, name="clock-move"),
]
