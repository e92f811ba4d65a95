"""The facts of `halbctl doctor`: one file per outside thing that is asked, none of which is changed."""
