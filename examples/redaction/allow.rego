package headgate

default allow := true
