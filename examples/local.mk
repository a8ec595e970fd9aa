# SPDX-License-Identifier: MIT
# Installed beside the documents, in the folders that they have here, so that links hold.
nobase_dist_doc_DATA = \
	%D%/haproxy/README.md \
	%D%/haproxy/haproxy.cfg \
	%D%/haproxy/sixteen.conf \
	%D%/kubernetes/README.md \
	%D%/kubernetes/sixteend.yaml
