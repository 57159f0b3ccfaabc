"""Opens spool files until EMFILE. argv: directory count"""
import os, sys, time

os.makedirs(sys.argv[1], exist_ok=True)
held = []
while True:
    try:
        held.append(open("%s/part-%06d" % (sys.argv[1], len(held)), "w"))
    except OSError as error:
        print(time.strftime("%F %T"), "ERROR spool: %s" % error, flush=True)
        time.sleep(0.5)
    if len(held) >= int(sys.argv[2]):
        time.sleep(0.2)
