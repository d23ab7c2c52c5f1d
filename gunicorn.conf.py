# What gunicorn reads when it is started here. No header of a visitor says under which address the pages stand.
forwarder_headers = ""
