-- SPDX-License-Identifier: ISC
--
-- What goes over colo-pipe's and QEMU's COLO sockets, for Wireshark and tshark:
--
--	colo		frames behind their length, in the plain form or with
--			virtio-net headers; the frames go to the Ethernet dissector
--	colo-epoch	the marker that tells a comparison where an epoch ends
--	colo-ctl	msgpack-RPC of a control socket, relayed over TCP
--
--	tshark -X lua_script:colo.lua -d tcp.port==9001,colo -r wire.pcap
--
-- Which form a connection has is not said on it: the preference colo.form is
-- auto (a first guess by what follows the length), plain or vnet.

local FRAME_MAX = 69632
local MESSAGE_MAX = 1048576

-- --- the data wire ----------------------------------------------------------

local colo = Proto("colo", "COLO data wire")
local ethernet = Dissector.get("eth_withoutfcs")

colo.prefs.form = Pref.enum("Form", 0, "Do virtio-net headers stand before frames?",
	{ { 0, "auto", 0 }, { 1, "plain", 1 }, { 2, "vnet", 2 } }, false)

local gso = { [0] = "none", [1] = "TCPv4", [3] = "UDP", [4] = "TCPv6",
	[5] = "UDP_L4", [0x81] = "TCPv4, ECN", [0x84] = "TCPv6, ECN" }

local f = {
	length = ProtoField.uint32("colo.length", "Length"),
	vnet_length = ProtoField.uint32("colo.vnet.length", "virtio-net header length"),
	flags = ProtoField.uint8("colo.vnet.flags", "Flags", base.HEX),
	needs_csum = ProtoField.bool("colo.vnet.needs_csum", "NEEDS_CSUM", 8, nil, 1),
	data_valid = ProtoField.bool("colo.vnet.data_valid", "DATA_VALID", 8, nil, 2),
	gso_type = ProtoField.uint8("colo.vnet.gso_type", "GSO type", base.DEC, gso),
	hdr_len = ProtoField.uint16("colo.vnet.hdr_len", "Header length"),
	gso_size = ProtoField.uint16("colo.vnet.gso_size", "GSO size"),
	csum_start = ProtoField.uint16("colo.vnet.csum_start", "Checksum start"),
	csum_offset = ProtoField.uint16("colo.vnet.csum_offset", "Checksum offset"),
	num_buffers = ProtoField.uint16("colo.vnet.num_buffers", "Buffers"),
}
colo.fields = f

local e = {
	bad = ProtoExpert.new("colo.bad", "No frame has this length: the receiver closes the connection",
		expert.group.MALFORMED, expert.severity.ERROR),
}
colo.experts = e

-- An Ethernet header is longer than 12 bytes and begins with an address; the
-- length of a virtio-net header is 0, 10 or 12. A plain frame to
-- 00:00:00:0a:.. or 00:00:00:0c:.. would be taken for one with a header.
local function is_vnet(buffer)
	if colo.prefs.form ~= 0 then return colo.prefs.form == 2 end
	if buffer:len() < 8 then return false end
	local n = buffer(4, 4):uint()
	return (n == 0 or n == 10 or n == 12) and buffer(0, 4):uint() > n
end

local function add_vnet(buffer, tree)
	local sub = tree:add(colo, buffer, "virtio-net header")
	sub:add(f.flags, buffer(0, 1))
	sub:add(f.needs_csum, buffer(0, 1))
	sub:add(f.data_valid, buffer(0, 1))
	sub:add(f.gso_type, buffer(1, 1))
	sub:add_le(f.hdr_len, buffer(2, 2))
	sub:add_le(f.gso_size, buffer(4, 2))
	sub:add_le(f.csum_start, buffer(6, 2))
	sub:add_le(f.csum_offset, buffer(8, 2))
	if buffer:len() == 12 then sub:add_le(f.num_buffers, buffer(10, 2)) end
end

local function frame_length(buffer, _, offset)
	local prefix = is_vnet(buffer(offset):tvb()) and 8 or 4
	local n = buffer(offset, 4):uint()
	if n == 0 or n > FRAME_MAX then return buffer:len() - offset end
	return prefix + n
end

local function dissect_frame(buffer, pinfo, tree)
	local vnet = is_vnet(buffer)
	local n = buffer(0, 4):uint()
	local at = vnet and 8 or 4
	local sub = tree:add(colo, buffer(0, at), "COLO data wire, " ..
		(vnet and "with virtio-net headers" or "plain"))
	sub:add(f.length, buffer(0, 4))
	pinfo.cols.protocol = "COLO"
	if n == 0 or n > FRAME_MAX then
		sub:add_proto_expert_info(e.bad)
		return buffer:len()
	end
	if vnet then
		local header = buffer(4, 4):uint()
		sub:add(f.vnet_length, buffer(4, 4))
		if header > 0 then add_vnet(buffer(8, header):tvb(), sub) end
		at = at + header
	end
	ethernet:call(buffer(at):tvb(), pinfo, tree)
	return buffer:len()
end

function colo.dissector(buffer, pinfo, tree)
	dissect_tcp_pdus(buffer, tree, 8, frame_length, dissect_frame)
	return buffer:len()
end

DissectorTable.get("tcp.port"):add_for_decode_as(colo)

-- --- the marker -------------------------------------------------------------

local marker = Proto("colo-epoch", "COLO epoch marker")
local kinds = { [0] = "start", [1] = "epoch", [2] = "checkpoint wanted" }
local m = {
	version = ProtoField.uint8("colo_epoch.version", "Version"),
	kind = ProtoField.uint8("colo_epoch.kind", "Kind", base.DEC, kinds),
	epoch = ProtoField.uint32("colo_epoch.epoch", "Epoch"),
}
marker.fields = m

-- Other people use this EtherType, too: the magic decides.
function marker.dissector(buffer, pinfo, tree)
	if buffer:len() < 16 or buffer(0, 10):string() ~= "colo-epoch" then return 0 end
	local sub = tree:add(marker, buffer(0, 16))
	sub:add(m.version, buffer(10, 1))
	sub:add(m.kind, buffer(11, 1))
	sub:add(m.epoch, buffer(12, 4))
	pinfo.cols.protocol = "COLO-EPOCH"
	pinfo.cols.info = string.format("%s, epoch %u",
		kinds[buffer(11, 1):uint()] or "unknown", buffer(12, 4):uint())
	return buffer:len()
end

DissectorTable.get("ethertype"):add(0x88b5, marker)

-- --- the control wire -------------------------------------------------------

local ctl = Proto("colo-ctl", "COLO control wire")
local message_kinds = { [0] = "request", [1] = "response", [2] = "notification" }
local c = {
	length = ProtoField.uint32("colo_ctl.length", "Length"),
	kind = ProtoField.uint32("colo_ctl.kind", "Kind", base.DEC, message_kinds),
	id = ProtoField.uint32("colo_ctl.id", "Id"),
	method = ProtoField.string("colo_ctl.method", "Method"),
	params = ProtoField.string("colo_ctl.params", "Parameters"),
	error = ProtoField.string("colo_ctl.error", "Error"),
	result = ProtoField.string("colo_ctl.result", "Result"),
}
ctl.fields = c

local read		-- (buffer, at): an object as text, and what is behind it

local function read_list(buffer, at, n, per, open, close)
	local texts = {}
	for _ = 1, n do
		local key, value
		key, at = read(buffer, at)
		if per == 2 then
			value, at = read(buffer, at)
			key = key .. ": " .. value
		end
		texts[#texts + 1] = key
	end
	return open .. table.concat(texts, ", ") .. close, at
end

local function read_text(buffer, at, n)
	if n == 0 then return '""', at end
	return '"' .. buffer(at, n):string() .. '"', at + n
end

local function read_signed(buffer, at, n)
	local value = n == 8 and buffer(at, 8):int64() or buffer(at, n):int()
	return tostring(value), at + n
end

local function read_unsigned(buffer, at, n)
	local value = n == 8 and buffer(at, 8):uint64() or buffer(at, n):uint()
	return tostring(value), at + n
end

-- 0xc0 to 0xdf: what follows, and how many bytes its length or value has
local heads = {
	[0xc4] = { "text", 1 }, [0xc5] = { "text", 2 }, [0xc6] = { "text", 4 },
	[0xcc] = { "unsigned", 1 }, [0xcd] = { "unsigned", 2 },
	[0xce] = { "unsigned", 4 }, [0xcf] = { "unsigned", 8 },
	[0xd0] = { "signed", 1 }, [0xd1] = { "signed", 2 },
	[0xd2] = { "signed", 4 }, [0xd3] = { "signed", 8 },
	[0xd9] = { "text", 1 }, [0xda] = { "text", 2 }, [0xdb] = { "text", 4 },
	[0xdc] = { "array", 2 }, [0xdd] = { "array", 4 },
	[0xde] = { "map", 2 }, [0xdf] = { "map", 4 },
}
local words = { [0xc0] = "nil", [0xc2] = "false", [0xc3] = "true" }

function read(buffer, at)
	local b = buffer(at, 1):uint()
	at = at + 1
	if b < 0x80 then return tostring(b), at end
	if b >= 0xe0 then return tostring(b - 256), at end
	if b < 0x90 then return read_list(buffer, at, b - 0x80, 2, "{", "}") end
	if b < 0xa0 then return read_list(buffer, at, b - 0x90, 1, "[", "]") end
	if b < 0xc0 then return read_text(buffer, at, b - 0xa0) end
	if words[b] then return words[b], at end
	if b == 0xca then return tostring(buffer(at, 4):float()), at + 4 end
	if b == 0xcb then return tostring(buffer(at, 8):float()), at + 8 end
	local head = heads[b] or error("no msgpack")
	if head[1] == "unsigned" then return read_unsigned(buffer, at, head[2]) end
	if head[1] == "signed" then return read_signed(buffer, at, head[2]) end
	local n = buffer(at, head[2]):uint()
	at = at + head[2]
	if head[1] == "text" then return read_text(buffer, at, n) end
	if head[1] == "map" then return read_list(buffer, at, n, 2, "{", "}") end
	return read_list(buffer, at, n, 1, "[", "]")
end

-- Adds the next object to the tree; what is behind it.
local function add_object(sub, field, buffer, at)
	local text, after = read(buffer, at)
	sub:add(field, buffer(at, after - at), (text:gsub('^"(.*)"$', "%1")))
	return after, text
end

local function dissect_message(buffer, pinfo, tree)
	local sub = tree:add(ctl, buffer(), "COLO control wire")
	local kind, at, text
	sub:add(c.length, buffer(0, 4))
	pinfo.cols.protocol = "COLO-CTL"
	kind = buffer(5, 1):uint()
	sub:add(c.kind, buffer(5, 1))
	at = 6
	if kind ~= 2 then
		text, at = read(buffer, at)
		if tonumber(text) then sub:add(c.id, buffer(6, at - 6), tonumber(text)) end
	end
	if kind == 1 then
		at = add_object(sub, c.error, buffer, at)
		_, text = add_object(sub, c.result, buffer, at)
	else
		at, text = add_object(sub, c.method, buffer, at)
		add_object(sub, c.params, buffer, at)
	end
	pinfo.cols.info = (message_kinds[kind] or "?") .. " " .. text
	return buffer:len()
end

local function message_length(buffer, _, offset)
	local n = buffer(offset, 4):uint()
	if n == 0 or n > MESSAGE_MAX then return buffer:len() - offset end
	return 4 + n
end

function ctl.dissector(buffer, pinfo, tree)
	dissect_tcp_pdus(buffer, tree, 4, message_length, dissect_message)
	return buffer:len()
end

DissectorTable.get("tcp.port"):add_for_decode_as(ctl)
