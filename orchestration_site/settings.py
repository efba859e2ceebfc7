"""One settings file; every setting can be given by the environment (README, "Settings")."""

import warnings
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url

from orchestration_site import environment as env
from orchestration_site import postgresql

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_dir()

# --- Secrets -----------------------------------------------------------------------------------
SECRET_KEY = env.kept_secret("SECRET_KEY", DATA_DIR / "secret.key")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Encrypts the values of `#` keys and the tokens of orchestrations. The first key encrypts, all decrypt.
ENCRYPTION_KEYS = [env.kept_secret("ENCRYPTION_KEY", DATA_DIR / "encryption.key"), *env.words("OLD_ENCRYPTION_KEYS")]
KEYS_FROM_FILES = [f"TUTTI_{name}" for name in ("SECRET_KEY", "ENCRYPTION_KEY") if not env.text(name)]

# --- Web ---------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG")
BIND = env.bind()
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")
HTTPS = env.flag("HTTPS", PUBLIC_URL.startswith("https://"))
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("TRUSTED_ORIGINS", PUBLIC_URL)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "orchestrations.session_store"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS and env.flag("SSL_REDIRECT", True)
# Monitors ask the process itself, without the proxy.
SECURE_REDIRECT_EXEMPT = [r"^health/?$"]
SECURE_HSTS_SECONDS = env.whole("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and env.flag("HSTS_SUBDOMAINS", True)
BEHIND_PROXY = env.flag("BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.whole("REQUEST_LIMIT_BYTES", 2_000_000)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
API_REQUESTS_PER_MINUTE = env.whole("API_REQUESTS_PER_MINUTE", 12_000)

# --- Mail and what is asked outside ------------------------------------------------------------
# Without a server mails are kept and shown in the outbox (jobs/notifying).
_mail = env.mail_server()
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.is_secure, _mail.starts_tls
EMAIL_BACKEND = "jobs.notifying.channels.smtp.Backend"
EMAIL_TIMEOUT = env.number("SMTP_TIMEOUT_SECONDS", 10, least=0.1)
EMAIL_ANSWER_SECONDS = env.number("SMTP_ANSWER_SECONDS", 600, least=0.1)
MAIL_DOMAIN = urlsplit(PUBLIC_URL).hostname or "localhost"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("MAIL_FROM", f"Tutti <tutti@{MAIL_DOMAIN}>")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "timezone_field",
    "django_q",
    "orchestrations",
    "jobs",
    "scheduling",
    "orchestration_site",
]
MIDDLEWARE = [
    "orchestrations.api.errors.ApiErrorShape",
    "django.middleware.security.SecurityMiddleware",
    "orchestration_site.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "orchestration_site.middleware.PacksPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "orchestration_site.middleware.ViewersTimeZone",
    "orchestration_site.middleware.NotesSessions",
]
ROOT_URLCONF = "orchestration_site.urls"
WSGI_APPLICATION = "orchestration_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orchestration_site.frame.frame",
            ],
            "builtins": ["orchestrations.templatetags.ui"],
        },
    }
]
STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT") or None
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Files are served straight from static/ and the installed packages: no collectstatic, nothing to go stale.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- People ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "orchestrations.User"
AUTHENTICATION_BACKENDS = ["orchestrations.accounts.ThrottledEmailBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
LOGIN_ATTEMPTS = env.whole("LOGIN_ATTEMPTS", 10, least=1)
LOGIN_WINDOW_SECONDS = env.whole("LOGIN_WINDOW_SECONDS", 900, least=1)
# How long an invitation is good for (orchestrations/invitations.py).
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
# The zones of the locked package tzdata, the same on every machine, not those of each one's operating system.
zoneinfo.reset_tzpath(to=())

# --- Database ----------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": dj_database_url.parse(env.database_url(DATA_DIR), conn_max_age=600)}
SQLITE_SYNCHRONOUS = env.text("SQLITE_SYNCHRONOUS", "FULL").upper()
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE: a transaction that reads before it writes would otherwise fail with "database is locked".
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            f"PRAGMA journal_mode=WAL;PRAGMA synchronous={SQLITE_SYNCHRONOUS};"
            "PRAGMA cache_size=-8000;PRAGMA mmap_size=134217728;"
        ),
    }
    # In a file: tests run several processes and threads on it.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
else:
    DATABASES["default"]["OPTIONS"] = postgresql.options(DATABASES["default"].get("OPTIONS", {}))

# --- Jobs --------------------------------------------------------------------------------------
WORKERS = env.whole("WORKERS", 4, least=1)
WORKER_LABELS = env.words("WORKER_LABELS")
LEASE_SECONDS = env.number("LEASE_SECONDS", 45, least=1)
HEARTBEAT_SECONDS = env.number("HEARTBEAT_SECONDS", 5, least=0.1)
CLAIM_LEASE_SECONDS = env.number("CLAIM_LEASE_SECONDS", 10, least=1)
GRACE_SECONDS = env.number("GRACE_SECONDS", 10, least=0)
STOP_SECONDS = env.number("STOP_SECONDS", 30, least=0)
WATCHDOG_SECONDS = env.number("WATCHDOG_SECONDS", 15, least=2)
PROJECT_PARALLEL_JOBS = env.whole("PROJECT_PARALLEL_JOBS", 10, least=1)
TASKS_LIMIT = env.whole("TASKS_LIMIT", 500, least=1)
PARAMETERS_LIMIT_BYTES = env.whole("PARAMETERS_LIMIT_BYTES", 1_000_000, least=1000)
LOG_LIMIT_BYTES = env.whole("LOG_LIMIT_BYTES", 10_000_000, least=10_000)
JOB_MEMORY_LIMIT_BYTES = env.whole("JOB_MEMORY_LIMIT_BYTES", 4 * 1024**3, least=1_000_000)
JOB_DISK_LIMIT_BYTES = env.whole("JOB_DISK_LIMIT_BYTES", 10 * 1024**3, least=1_000_000)
JOB_TIME_LIMIT_SECONDS = env.number("JOB_TIME_LIMIT_SECONDS", 24 * 3600, least=1)
# --- Storage -----------------------------------------------------------------------------------
# Empty: the folder "storage" in the data folder (jobs/carrying/place.py).
STORAGE_URL = env.text("STORAGE_URL").rstrip("/")
STORAGE_OPTIONS = env.texts_by_name("STORAGE_OPTIONS")
STORAGE_MEMORY_BYTES = env.whole("STORAGE_MEMORY_BYTES", 1_000_000_000, least=100_000_000)
UPLOAD_LIMIT_BYTES = env.whole("UPLOAD_LIMIT_BYTES", 1_000_000_000, least=1_000)
STORAGE_KEEP_DAYS = env.number("STORAGE_KEEP_DAYS", 7, least=0)

# --- Jobs, what is kept of them ----------------------------------------------------------------
KEEP_JOBS_DAYS = env.whole("KEEP_JOBS_DAYS", 0)
COMPONENT_PATH = env.search_path()
# What components may reach besides the job's own folder and the internet; the shipped data is always there to read.
DEMO_DATA = BASE_DIR / "orchestration_site" / "demo" / "data"
FILES_DIRS = [*env.words("FILES_DIRS"), f"{DEMO_DATA}:ro"]
ALLOW_PRIVATE_ADDRESSES: bool | list[str] = env.flag_or_words("ALLOW_PRIVATE_ADDRESSES")
# Open as long as the launcher lives (orchestrations/lib/lifeline.py).
LIFELINE_FD = env.descriptor("LIFELINE_FD")
BUILTIN_COMPONENTS_DIR = BASE_DIR / "jobs" / "components"
COMPONENTS_DIR = Path(env.text("COMPONENTS_DIR")).resolve() if env.text("COMPONENTS_DIR") else None

# django-q2 asks for a timeout below "retry", after which it redelivers; our broker never does.
warnings.filterwarnings("ignore", "Retry and timeout are misconfigured", UserWarning)
Q_CLUSTER = {
    "name": "tutti",
    "broker_class": "jobs.broker.JobBroker",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    # Our Job table is the queue and the truth: everything django-q2 would redeliver, save or schedule is off.
    "save_limit": -1,
    "ack_failures": True,
    "max_attempts": 1,
    "retry": 2**31 - 1,
    "timeout": None,
    "scheduler": False,
    "catch_up": False,
    "recycle": 10**6,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
}
# Shared between processes by nothing: only the throttle of logins uses it, which keeps its counts in the database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"invitations": {"()": "orchestration_site.logs.HidesInvitations"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["invitations"]},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "INFO", LOG_LEVELS)},
    "loggers": {
        # Anybody may ask for any host: an answer of 400 is enough.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
