//! The functions that rules may call: CEL's own, its extensions and Kubernetes'. Upstream lets
//! rules use what was introduced up to its own version.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::types::Type;

pub(super) const URL: &str = "kubernetes.URL";
pub(super) const QUANTITY: &str = "kubernetes.Quantity";
pub(super) const IP: &str = "net.IP";
pub(super) const CIDR: &str = "net.CIDR";
pub(super) const FORMAT: &str = "kubernetes.NamedFormat";
pub(super) const SEMVER: &str = "kubernetes.Semver";
pub(super) const AUTHORIZER: &str = "kubernetes.authorization.Authorizer";
pub(super) const RESOURCE_CHECK: &str = "kubernetes.authorization.ResourceCheck";

/// `name target?args result`, one form of a function a line. `A` and `B` stand for any type.
const SIGNATURES: &str = "
_&&_ (bool,bool) bool
_||_ (bool,bool) bool
_?_:_ (bool,A,A) A
!_ (bool) bool
@not_strictly_false (bool) bool
-_ (int) int
-_ (double) double
_+_ (bytes,bytes) bytes
_+_ (double,double) double
_+_ (duration,duration) duration
_+_ (duration,timestamp) timestamp
_+_ (timestamp,duration) timestamp
_+_ (int,int) int
_+_ (list<A>,list<A>) list<A>
_+_ (string,string) string
_+_ (uint,uint) uint
_-_ (double,double) double
_-_ (duration,duration) duration
_-_ (int,int) int
_-_ (timestamp,duration) timestamp
_-_ (timestamp,timestamp) duration
_-_ (uint,uint) uint
_*_ (double,double) double
_*_ (int,int) int
_*_ (uint,uint) uint
_/_ (double,double) double
_/_ (int,int) int
_/_ (uint,uint) uint
_%_ (int,int) int
_%_ (uint,uint) uint
_==_ (A,A) bool
_!=_ (A,A) bool
@in (A,list<A>) bool
@in (A,map<A,B>) bool
_[_] (list<A>,int) A
_[_] (map<A,B>,A) B
_[_] (optional<list<A>>,int) optional<A>
_[_] (optional<map<A,B>>,A) optional<B>
_[?_] (list<A>,int) optional<A>
_[?_] (optional<list<A>>,int) optional<A>
_[?_] (map<A,B>,A) optional<B>
_[?_] (optional<map<A,B>>,A) optional<B>
size (bytes) int
size bytes() int
size (list<A>) int
size list<A>() int
size (map<A,B>) int
size map<A,B>() int
size (string) int
size string() int
type (A) type
dyn (A) dyn
bool (bool) bool
bool (string) bool
bytes (bytes) bytes
bytes (string) bytes
double (double) double
double (int) double
double (string) double
double (uint) double
duration (duration) duration
duration (int) duration
duration (string) duration
int (int) int
int (double) int
int (duration) int
int (string) int
int (timestamp) int
int (uint) int
string (string) string
string (bool) string
string (bytes) string
string (double) string
string (duration) string
string (int) string
string (timestamp) string
string (uint) string
string (ip) string
string (cidr) string
timestamp (timestamp) timestamp
timestamp (int) timestamp
timestamp (string) timestamp
uint (uint) uint
uint (double) uint
uint (int) uint
uint (string) uint
contains string(string) bool
endsWith string(string) bool
startsWith string(string) bool
matches (string,string) bool
matches string(string) bool
getFullYear timestamp() int
getFullYear timestamp(string) int
getMonth timestamp() int
getMonth timestamp(string) int
getDayOfYear timestamp() int
getDayOfYear timestamp(string) int
getDayOfMonth timestamp() int
getDayOfMonth timestamp(string) int
getDate timestamp() int
getDate timestamp(string) int
getDayOfWeek timestamp() int
getDayOfWeek timestamp(string) int
getHours timestamp() int
getHours timestamp(string) int
getHours duration() int
getMinutes timestamp() int
getMinutes timestamp(string) int
getMinutes duration() int
getSeconds timestamp() int
getSeconds timestamp(string) int
getSeconds duration() int
getMilliseconds timestamp() int
getMilliseconds timestamp(string) int
getMilliseconds duration() int
optional.of (A) optional<A>
optional.ofNonZeroValue (A) optional<A>
optional.none () optional<A>
hasValue optional<A>() bool
value optional<A>() A
or optional<A>(optional<A>) optional<A>
orValue optional<A>(A) A
charAt string(int) string
indexOf string(string) int
indexOf string(string,int) int
indexOf list<A>(A) int
lastIndexOf string(string) int
lastIndexOf string(string,int) int
lastIndexOf list<A>(A) int
lowerAscii string() string
upperAscii string() string
replace string(string,string) string
replace string(string,string,int) string
split string(string) list<string>
split string(string,int) list<string>
substring string(int) string
substring string(int,int) string
trim string() string
format string(list<dyn>) string
strings.quote (string) string
join list<string>() string
join list<string>(string) string
sets.contains (list<A>,list<A>) bool
sets.equivalent (list<A>,list<A>) bool
sets.intersects (list<A>,list<A>) bool
slice list<A>(int,int) list<A>
flatten list<list<A>>() list<A>
flatten list<dyn>(int) list<dyn>
lists.range (int) list<int>
reverse list<A>() list<A>
distinct list<A>() list<A>
first list<A>() optional<A>
last list<A>() optional<A>
cel.@mapInsert (map<A,B>,A,B) map<A,B>
cel.@mapInsert (map<A,B>,map<A,B>) map<A,B>
jsonpatch.escapeKey (string) string
path authorizer(string) pathCheck
check pathCheck(string) decision
check resourceCheck(string) decision
group authorizer(string) groupCheck
serviceAccount authorizer(string,string) authorizer
resource groupCheck(string) resourceCheck
subresource resourceCheck(string) resourceCheck
namespace resourceCheck(string) resourceCheck
name resourceCheck(string) resourceCheck
fieldSelector resourceCheck(string) resourceCheck
labelSelector resourceCheck(string) resourceCheck
errored decision() bool
error decision() string
allowed decision() bool
reason decision() string
find string(string) string
findAll string(string) list<string>
findAll string(string,int) list<string>
url (string) url
isURL (string) bool
getScheme url() string
getHost url() string
getHostname url() string
getPort url() string
getEscapedPath url() string
getQuery url() map<string,list<string>>
quantity (string) quantity
isQuantity (string) bool
sign quantity() int
isGreaterThan quantity(quantity) bool
isLessThan quantity(quantity) bool
compareTo quantity(quantity) int
asApproximateFloat quantity() double
asInteger quantity() int
isInteger quantity() bool
add quantity(quantity) quantity
add quantity(int) quantity
sub quantity(quantity) quantity
sub quantity(int) quantity
ip (string) ip
isIP (string) bool
ip.isCanonical (string) bool
family ip() int
isUnspecified ip() bool
isLoopback ip() bool
isLinkLocalMulticast ip() bool
isLinkLocalUnicast ip() bool
isGlobalUnicast ip() bool
cidr (string) cidr
isCIDR (string) bool
containsIP cidr(string) bool
containsIP cidr(ip) bool
containsCIDR cidr(string) bool
containsCIDR cidr(cidr) bool
ip cidr() ip
prefixLength cidr() int
masked cidr() cidr
format.named (string) optional<format>
format.dns1123Label () format
format.dns1123Subdomain () format
format.dns1035Label () format
format.qualifiedName () format
format.dns1123LabelPrefix () format
format.dns1123SubdomainPrefix () format
format.dns1035LabelPrefix () format
format.labelValue () format
format.uri () format
format.uuid () format
format.byte () format
format.date () format
format.datetime () format
validate format(string) optional<list<string>>
semver (string) semver
semver (string,bool) semver
isSemver (string) bool
isSemver (string,bool) bool
major semver() int
minor semver() int
patch semver() int
isGreaterThan semver(semver) bool
isLessThan semver(semver) bool
compareTo semver(semver) int
";

/// Types that can be compared, each with itself; numbers with each other too.
const ORDERED: [&str; 8] = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"];
const NUMBERS: [&str; 3] = ["int", "uint", "double"];
/// Items of lists that have an order, and those that have a sum.
const SORTABLE: [&str; 8] = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
const SUMMABLE: [&str; 4] = ["int", "uint", "double", "duration"];

#[derive(Debug)]
pub(super) struct Signature {
    /// With the target in front, if there is one.
    pub(super) args: Vec<Type>,
    pub(super) member: bool,
    pub(super) result: Type,
}

/// The forms of a function, if there is one of this name.
pub(super) fn function(name: &str) -> Option<&'static [Signature]> {
    static TABLE: OnceLock<HashMap<String, Vec<Signature>>> = OnceLock::new();
    TABLE.get_or_init(table).get(name).map(Vec::as_slice)
}

fn table() -> HashMap<String, Vec<Signature>> {
    let mut table: HashMap<String, Vec<Signature>> = HashMap::new();
    let mut add = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (Some(name), Some(args), Some(result)) = (words.next(), words.next(), words.next()) else { return };
        let (target, args) = args.split_once('(').unwrap_or((args, ")"));
        let args = args.trim_end_matches(')');
        let types = [target].into_iter().chain(split(args)).filter(|text| !text.is_empty()).map(read).collect();
        let signature = Signature { args: types, member: !target.is_empty(), result: read(result) };
        table.entry(name.to_string()).or_default().push(signature);
    };
    SIGNATURES.lines().for_each(&mut add);
    for operator in ["_<_", "_<=_", "_>_", "_>=_"] {
        ORDERED.iter().for_each(|of| add(&format!("{operator} ({of},{of}) bool")));
        for (a, b) in NUMBERS.iter().flat_map(|a| NUMBERS.iter().map(move |b| (a, b))).filter(|(a, b)| a != b) {
            add(&format!("{operator} ({a},{b}) bool"));
        }
    }
    for of in SORTABLE {
        add(&format!("isSorted list<{of}>() bool"));
        add(&format!("min list<{of}>() {of}"));
        add(&format!("max list<{of}>() {of}"));
        add(&format!("sort list<{of}>() list<{of}>"));
        add(&format!("@sortByAssociatedKeys list<A>(list<{of}>) list<A>"));
    }
    SUMMABLE.iter().for_each(|of| add(&format!("sum list<{of}>() {of}")));
    table
}

/// At commas that are not inside of a type.
fn split(args: &str) -> Vec<&str> {
    let mut depth = 0;
    args.split(|char: char| {
        depth += i32::from(char == '<') - i32::from(char == '>');
        char == ',' && depth == 0
    })
    .collect()
}

fn read(text: &str) -> Type {
    if let Some((name, of)) = text.split_once('<') {
        let of = split(of.strip_suffix('>').unwrap_or(of));
        return match (name, of.as_slice()) {
            ("map", [key, value]) => Type::map(read(key), read(value)),
            ("optional", [of]) => Type::optional(read(of)),
            (_, of) => Type::list(of.first().map_or(Type::Dyn, |of| read(of))),
        };
    }
    match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "type" => Type::Kind,
        "url" => Type::Opaque(URL),
        "quantity" => Type::Opaque(QUANTITY),
        "ip" => Type::Opaque(IP),
        "cidr" => Type::Opaque(CIDR),
        "format" => Type::Opaque(FORMAT),
        "semver" => Type::Opaque(SEMVER),
        "authorizer" => Type::Opaque(AUTHORIZER),
        "pathCheck" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "groupCheck" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "resourceCheck" => Type::Opaque(RESOURCE_CHECK),
        "decision" => Type::Opaque("kubernetes.authorization.Decision"),
        "A" => Type::Param('A'),
        "B" => Type::Param('B'),
        _ => Type::Dyn,
    }
}
