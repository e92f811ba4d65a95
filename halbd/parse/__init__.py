"""halbd.yaml in, a Config or every Problem out, each with its line."""
