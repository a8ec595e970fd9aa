# SPDX-License-Identifier: MIT
# Installed beside the documents, in the folders that they have here, so that links hold.
nobase_dist_doc_DATA = \
	%D%/README.md \
	%D%/anycast/announce \
	%D%/anycast/bird.conf \
	%D%/haproxy/README.md \
	%D%/haproxy/haproxy.cfg \
	%D%/haproxy/sixteen.conf \
	%D%/ipvs/keepalived.conf \
	%D%/kubernetes/README.md \
	%D%/kubernetes/sixteend.yaml \
	%D%/monitoring/README.md \
	%D%/monitoring/icinga2.conf
