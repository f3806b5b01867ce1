"""proj, with its messages signed by certificate (the serializer `auth`): the settings come with PROJ_CONF."""

from proj import app

app.setup_security()
