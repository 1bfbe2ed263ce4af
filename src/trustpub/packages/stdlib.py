# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Names that the standard library has, or had: a project of such a name would be taken for it."""

from __future__ import annotations

# Modules and packages of Python 2.7 and of 3.0 to 3.15, on every platform. Those that begin with an underscore are left
# out: no project's name can.
_NAMES = """
    abc aepack aetools aetypes aifc al annotationlib antigravity anydbm applesingle argparse array ast asynchat
    asyncio asyncore atexit audiodev audioop autogil base64 basehttpserver bastion bdb binascii binhex bisect
    bsddb bsddb185 buildtools builtins bz2 calendar canvas carbon cd cdrom cfmfile cgi cgihttpserver cgitb chunk
    cmath cmd code codecs codeop collections colorpicker colorsys commands compileall compiler compression
    concurrent configparser contextlib contextvars cookie cookielib copy copy-reg copyreg cpickle cprofile crypt
    cstringio csv ctypes curses dataclasses datetime dbhash dbm decimal device dialog difflib dircache dis
    distutils dl dlfcn doctest docxmlrpcserver dumbdbm dummy-thread dummy-threading easydialogs email encodings
    ensurepip enum errno exceptions faulthandler fcntl filecmp filedialog fileinput findertools fixtk fl flp fm
    fnmatch formatter fpformat fractions framework ftplib functools future-builtins gc genericpath
    gensuitemodule getopt getpass gettext gl glob graphlib grp gzip hashlib heapq hmac hotshot html
    htmlentitydefs htmllib htmlparser http httplib ic icopen idlelib ihooks imageop imaplib imgfile imghdr imp
    importlib imputil in inspect io ipaddress itertools jpeg json keyword lib2to3 linecache linuxaudiodev locale
    logging lzma macerrors macos macostools macpath macresource macurl2path mailbox mailcap markupbase marshal
    math md5 mhlib mimetools mimetypes mimewriter mimify miniaeframe mmap modulefinder msilib msvcrt multifile
    multiprocessing mutex nav netrc new nis nntplib nt ntpath nturl2path numbers opcode operator optparse os os2
    os2emxpath ossaudiodev parser pathlib pdb pickle pickletools pipes pixmapwrapper pkgutil platform plistlib
    popen2 poplib posix posixfile posixpath pprint profile profiling pstats pty pwd py-compile pyclbr pydoc
    pydoc-data pyexpat queue quopri random re readline repr reprlib resource rexec rfc822 riscosenviron
    riscospath rlcompleter robotparser runpy sched scrolledtext secrets select selectors sets sgmllib sha shelve
    shlex shutil signal simpledialog simplehttpserver simplexmlrpcserver site smtpd smtplib sndhdr socket
    socketserver spwd sqlite3 sre sre-compile sre-constants sre-parse ssl stat statistics statvfs string
    stringio stringold stringprep strop struct subprocess sunau sunaudio sunaudiodev symbol symtable sys
    sysconfig syslog tabnanny tarfile telnetlib tempfile termios test textwrap this thread threading time timeit
    timing tix tkcolorchooser tkcommondialog tkconstants tkdnd tkfiledialog tkfont tkinter tkmessagebox
    tksimpledialog toaiff token tokenize tomllib trace traceback tracemalloc ttk tty turtle turtledemo types
    typing unicodedata unittest urllib urllib2 urlparse user userdict userlist userstring uu uuid venv
    videoreader w warnings wave weakref webbrowser whichdb winreg winsound wsgiref xdrlib xml xmllib xmlrpc
    xmlrpclib xxlimited xxlimited-35 xxsubtype zipapp zipfile zipimport zlib zoneinfo
"""

MODULES: frozenset[str] = frozenset(_NAMES.split())
"""In normal form (:func:`trustpub.packages.names.normalize`)."""
