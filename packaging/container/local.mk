# SPDX-License-Identifier: MIT
EXTRA_DIST += %D%/build %D%/sixteen.conf

# The container image, for which umoci is needed.
image: all
	$(SHELL) $(srcdir)/%D%/build src $(PACKAGE)-$(VERSION).oci.tar
.PHONY: image
CLEANFILES += $(PACKAGE)-$(VERSION).oci.tar
