"""The clinic's places and people, and the mails that leave it."""

import uuid
import zoneinfo
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from clinic.fields import EncryptedTextField

HARD_MAX_DEPTH_MM = 3  # needles are up to 3 mm long; nothing may be set deeper


def validate_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("Choose a time zone such as Europe/London."))


class Tone(models.TextChoices):
    """The colours by which the board tells things apart; always beside a word."""

    SKY = "sky", _("Sky")
    PLUM = "plum", _("Plum")
    CLAY = "clay", _("Clay")
    GOLD = "gold", _("Gold")
    LEAF = "leaf", _("Leaf")
    STONE = "stone", _("Stone")


class Location(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    zone_name = models.CharField(_("time zone"), max_length=50, default="Europe/London", validators=[validate_zone])
    address = models.CharField(_("address"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=30, help_text=_("Every mail to a patient carries it."))
    emergency_phone = models.CharField(
        _("emergency number"),
        max_length=30,
        blank=True,
        help_text=_("What patients are told to call when a life is in danger, such as 999 or 112."),
    )

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.zone_name)

    @property
    def phone_link(self) -> str:
        """The phone number as a `tel:` link wants it."""
        return "".join(c for c in self.phone if c.isdecimal() or c == "+")


class UserManager(BaseUserManager):
    def get_by_natural_key(self, username):
        return self.get(username__iexact=username)


class User(AbstractBaseUser):
    """A member of staff. One person may hold several roles; a one-woman clinic holds them all."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    username = models.CharField(_("user name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    locations = models.ManyToManyField(Location, related_name="staff", verbose_name=_("locations"))
    is_receptionist = models.BooleanField(_("receptionist"), default=False)
    is_practitioner = models.BooleanField(_("practitioner"), default=False)
    is_lead = models.BooleanField(_("clinical lead"), default=False)
    is_owner = models.BooleanField(_("owner"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    # Part of every session's fingerprint: raising it ends the sessions that exist, for good.
    session_version = models.PositiveIntegerField(default=0, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="user_has_a_role",
                condition=Q(is_receptionist=True) | Q(is_practitioner=True) | Q(is_lead=True) | Q(is_owner=True),
                violation_error_message=_("Give this person at least one role."),
            )
        ]

    def __str__(self):
        return self.username

    @property
    def display_name(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()

    @property
    def may_read_answers(self) -> bool:
        """Reception sees a light and a date; what a patient answered is for those who treat."""
        return self.is_practitioner or self.is_lead

    def _get_session_auth_hash(self, secret=None):
        return salted_hmac(
            "clinic.User.session", f"{self.password}:{self.session_version}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Room(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="rooms")
    name = models.CharField(_("name"), max_length=60)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["location", "name"], name="room_name_once_per_location")]

    def __str__(self):
        return self.name


class Device(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(_("name"), max_length=60)
    max_depth_mm = models.DecimalField(
        _("deepest setting in mm"), max_digits=3, decimal_places=2, validators=[MinValueValidator(Decimal("0.1"))]
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["location", "name"], name="device_name_once_per_location"),
            models.CheckConstraint(
                name="device_depth_within_limit",
                condition=Q(max_depth_mm__gt=0, max_depth_mm__lte=HARD_MAX_DEPTH_MM),
                violation_error_message=_("A needle goes 3 mm deep at most. Give a depth between 0.1 and 3.0 mm."),
            ),
        ]

    def __str__(self):
        return self.name


class Practitioner(models.Model):
    """Someone who treats. Where she works is her account's locations; when, is told by her working hours."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="practitioner")
    title = models.CharField(_("title"), max_length=60, default=_("Practitioner"))
    tone = models.CharField(_("colour"), max_length=10, choices=Tone, default=Tone.LEAF)
    max_depth_mm = models.DecimalField(
        _("deepest needling in mm"),
        max_digits=3,
        decimal_places=2,
        default=Decimal("0.5"),
        validators=[MinValueValidator(Decimal("0.1"))],
        help_text=_("Places differ in how deep an aesthetician may go."),
    )

    class Meta:
        ordering = ["user__name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="practitioner_depth_within_limit",
                condition=Q(max_depth_mm__gt=0, max_depth_mm__lte=HARD_MAX_DEPTH_MM),
                violation_error_message=_("A needle goes 3 mm deep at most. Give a depth between 0.1 and 3.0 mm."),
            )
        ]

    def __str__(self):
        return self.user.name

    @property
    def name(self) -> str:
        return self.user.name


class Heartbeat(models.Model):
    """When a piece of background work last ran through, in the machine's own time."""

    name = models.CharField(max_length=40, unique=True)
    beat_at = models.DateTimeField()

    def __str__(self):
        return self.name


class OutgoingMailQuerySet(models.QuerySet):
    def withdrawable(self):
        """Those that a withdrawal still catches: SMTP has not seen them."""
        return self.filter(status__in=OutgoingMail.Status.NOT_YET_LEAVING)

    def overdue(self, at, lease):
        """Those that should have left at least one lease ago."""
        return self.filter(status__in=OutgoingMail.Status.ON_THE_WAY, due_at__lt=at - lease)


class OutgoingMail(models.Model):
    """One rendered mail to one address. It knows nothing of appointments; `clinic.outbox` alone moves it on.

    `pending -> claimed -> sending -> sent`; or `withdrawn` before it left, `failed` when the server refused the
    address, `expired` when it lost its point before it could leave. Bodies are encrypted and deleted after a month.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        CLAIMED = "claimed", _("Taken by a worker")
        SENDING = "sending", _("Leaving")
        SENT = "sent", _("Sent")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        FAILED = "failed", _("Refused")
        EXPIRED = "expired", _("Too late")

    Status.NOT_YET_LEAVING = (Status.PENDING, Status.CLAIMED)
    Status.ON_THE_WAY = (Status.PENDING, Status.CLAIMED, Status.SENDING)
    Status.NEVER_ARRIVED = (Status.WITHDRAWN, Status.FAILED, Status.EXPIRED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message_id = models.CharField(max_length=120, unique=True)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = EncryptedTextField()
    html = EncryptedTextField(blank=True)
    calendar = EncryptedTextField(blank=True)
    calendar_method = models.CharField(max_length=10, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    # Lease, fence and back-off, in the machine's own time.
    claim_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    is_repeat = models.BooleanField(default=False)
    last_error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True)
    is_forgotten = models.BooleanField(default=False)

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="outgoing_mail_known_status",
                condition=Q(status__in=["pending", "claimed", "sending", "sent", "withdrawn", "failed", "expired"]),
            ),
            models.CheckConstraint(
                name="outgoing_mail_held_by_a_claim",
                condition=~Q(status__in=["claimed", "sending"])
                | Q(claim_token__isnull=False, leased_until__isnull=False),
            ),
        ]
        indexes = [
            # read by every sweep: what waits, oldest first
            models.Index(
                name="outgoing_mail_on_the_way",
                fields=["status", "due_at"],
                condition=Q(status__in=["pending", "claimed", "sending"]),
            ),
            # read by every sweep: bodies that may be a month old
            models.Index(name="outgoing_mail_with_body", fields=["created_at"], condition=Q(is_forgotten=False)),
        ]

    def __str__(self):
        return f"mail {self.public_id}"
