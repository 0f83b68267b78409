#include "pyxtorch/kernels/elementwise.h"
#include "pyxtorch/runtime.h"
#include <string.h>
#include <string>
#include <vector>
static std::vector<std::string> names;
static int formula(const char*n){ for(size_t i=0;i<names.size();i++) if(names[i]==n) return i; names.push_back(n); return names.size()-1;}
static int rd(int f,int dt){ auto&n=names[f]; if(n=="eq"||n=="ne"||n=="lt"||n=="gt"||n=="le"||n=="ge"||n=="isnan") return 0; return dt;}
template<int K> static void L(char*const*p,const int64_t*s,int64_t n,const double*q){ for(int64_t i=0;i<n;i++){ float a=*(float*)(p[1]+i*s[1]), b=K>1? *(float*)(p[2]+i*s[2]):0; float r; if(K==1)r=-a; else if(K==2) r=a+b; else if(K==3) r=a*b; else if (K==4) r=a-b; else r=a/b; *(float*)(p[0]+i*s[0])=r; } }
static pyx_loop loop(int f,int dt){ if(dt!=8) return 0; auto&n=names[f]; if(n=="neg") return L<1>; if(n=="add") return L<2>; if(n=="mul"||n=="zero_mul") return L<3>; if(n=="sub") return L<4>; if(n=="div") return L<5>; return 0;}
static int run(int f,int dt,const pyx_strided*w,const double*q){ pyx_loop l=loop(f,dt); if(!l) return -1; char*p[6]; int64_t idx[64]={0}; int64_t st[6]; for(int k=0;k<w->noperands;k++){p[k]=w->data[k]; st[k]=w->strides[k][0];} 
 for(;;){ l(p,st,w->shape[0],q); int d=1; for(;d<w->ndim;d++){ idx[d]++; for(int k=0;k<w->noperands;k++) p[k]+=w->strides[k][d]; if(idx[d]<w->shape[d]) break; for(int k=0;k<w->noperands;k++) p[k]-=w->strides[k][d]*w->shape[d]; idx[d]=0;} if(d>=w->ndim) break;} return 0;}
static int cast(const pyx_strided*w){ if(w->dtype[0]!=w->dtype[1]) return -1; int isz=pyx_itemsize(w->dtype[0]); char*p[2]={w->data[0],w->data[1]}; int64_t idx[64]={0}; for(;;){ memcpy(p[0],p[1],isz); int d=0; for(;d<w->ndim;d++){ idx[d]++; p[0]+=w->strides[0][d];p[1]+=w->strides[1][d]; if(idx[d]<w->shape[d]) break; p[0]-=w->strides[0][d]*w->shape[d];p[1]-=w->strides[1][d]*w->shape[d]; idx[d]=0;} if(d>=w->ndim) break;} return 0;}
static int fill(char*d,int64_t n,int s,const char*v){ for(int64_t i=0;i<n;i++) memcpy(d+i*s,v,s); return 0;}
static const pyx_elementwise_kernels table={formula,rd,loop,run,cast,fill};
PYX_KERNELS(elementwise, table)
